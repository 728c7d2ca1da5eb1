using Lorq.Numerics;

namespace Lorq.Models;

/// <summary>Transposition of tensors of any rank.</summary>
internal static class Permutation
{
    /// <summary>Rearranges a row-major tensor.</summary>
    /// <param name="values">The values.</param>
    /// <param name="shape">Dimensions before.</param>
    /// <param name="order">Output axis i is input axis <c>order[i]</c>.</param>
    /// <returns>A new array.</returns>
    public static T[] Apply<T>(T[] values, IReadOnlyList<long> shape, IReadOnlyList<int> order)
    {
        var result = new T[values.Length];
        if (values.Length == 0)
        {
            return result;
        }
        if (order.Count == 2 && order[0] == 1)
        {
            Transposition.Transpose<T>(values, (int)shape[0], (int)shape[1], result);
            return result;
        }
        int rank = order.Count;
        var stride = new int[rank];
        for (int axis = rank - 1, step = 1; axis >= 0; axis--)
        {
            stride[axis] = step;
            step *= (int)shape[axis];
        }
        int inner = rank == 0 ? 1 : (int)shape[order[^1]];
        int innerStride = rank == 0 ? 1 : stride[order[^1]];
        var index = new int[rank];
        int source = 0;
        for (int at = 0; at < result.Length; at += inner)
        {
            for (int i = 0; i < inner; i++)
            {
                result[at + i] = values[source + i * innerStride];
            }
            // Count up all axes but the innermost, like an odometer.
            for (int axis = rank - 2; axis >= 0; axis--)
            {
                source += stride[order[axis]];
                if (++index[axis] < shape[order[axis]])
                {
                    break;
                }
                source -= stride[order[axis]] * index[axis];
                index[axis] = 0;
            }
        }
        return result;
    }
}
