using System.Numerics;
using System.Runtime.InteropServices;
using Lorq.Runtime.Interop;

namespace Lorq.Runtime.Operators;

/// <summary>The adapter inputs of a call: one pair for all rows, or stacked pairs and an index per entry of x's first axis.</summary>
internal sealed unsafe class Adapter
{
    private readonly float[] a;
    private readonly float[] b;
    private readonly long[]? index;
    private readonly int k;
    private readonly int n;
    private readonly int rank;

    private Adapter(float[] a, float[] b, long[]? index, int k, int n, int rank)
    {
        this.a = a;
        this.b = b;
        this.index = index;
        this.k = k;
        this.n = n;
        this.rank = rank;
    }

    /// <summary>Reads and checks them; null where there are none or their rank is 0.</summary>
    public static Adapter? Read(OrtApi api, nint context, string node, long[] x, OrtElementType type, int k, int n)
    {
        int count = api.InputCount(context);
        nint a = count > LowRankQMatMul.AdapterASlot ? api.Input(context, LowRankQMatMul.AdapterASlot) : 0;
        nint b = count > LowRankQMatMul.AdapterBSlot ? api.Input(context, LowRankQMatMul.AdapterBSlot) : 0;
        nint index = count > LowRankQMatMul.AdapterIndexSlot ? api.Input(context, LowRankQMatMul.AdapterIndexSlot) : 0;
        if (a == 0 || b == 0)
        {
            return null;
        }
        (OrtElementType typeA, long[] dimsA) = api.Shape(a);
        (OrtElementType typeB, long[] dimsB) = api.Shape(b);
        int rank = index == 0 ? 2 : 3;
        bool fits =
            dimsA.Length == rank
            && dimsB.Length == rank
            && dimsA[^2] == k
            && dimsB[^1] == n
            && dimsA[^1] == dimsB[^2]
            && (index == 0 || dimsA[0] == dimsB[0]);
        if (!fits || typeA != type || typeB != type)
        {
            throw new NodeException(
                $"{node}: adapter shapes [{string.Join(", ", dimsA)}] ({typeA}) and [{string.Join(", ", dimsB)}] ({typeB}) do not fit K = {k}, N = {n}, {type}."
            );
        }
        long[]? indices = index == 0 ? null : Indices(api, index, node, x, dimsA[0]);
        return dimsA[^1] == 0 ? null : new Adapter(Floats(api, a, dimsA, type), Floats(api, b, dimsB, type), indices, k, n, (int)dimsA[^1]);
    }

    /// <summary>Adds <c>(x·A)·B</c> to y.</summary>
    public void Add(float* x, float* y, int rows)
    {
        float[] t = new float[rank];
        for (int row = 0; row < rows; row++)
        {
            long pair = index is null ? 0 : index[(long)row * index.Length / rows];
            if (pair < 0)
            {
                continue;
            }
            Array.Clear(t);
            ReadOnlySpan<float> source = new(x + (nint)row * k, k);
            for (int i = 0; i < k; i++)
            {
                AddScaled(a.AsSpan((int)(pair * k + i) * rank, rank), source[i], t);
            }
            for (int j = 0; j < rank; j++)
            {
                AddScaled(b.AsSpan((int)(pair * rank + j) * n, n), t[j], new Span<float>(y + (nint)row * n, n));
            }
        }
    }

    private static void AddScaled(ReadOnlySpan<float> values, float factor, Span<float> target)
    {
        ReadOnlySpan<Vector<float>> from = MemoryMarshal.Cast<float, Vector<float>>(values);
        Span<Vector<float>> to = MemoryMarshal.Cast<float, Vector<float>>(target);
        for (int i = 0; i < from.Length; i++)
        {
            to[i] += from[i] * factor;
        }
        for (int i = from.Length * Vector<float>.Count; i < values.Length; i++)
        {
            target[i] += values[i] * factor;
        }
    }

    private static long[] Indices(OrtApi api, nint value, string node, long[] x, long pairs)
    {
        (_, long[] dims) = api.Shape(value);
        if (dims.Length != 1 || dims[0] != x[0] || x.Length < 2)
        {
            throw new NodeException($"{node}: 'adapter_index' has shape [{string.Join(", ", dims)}]; x's first axis is {x[0]}.");
        }
        long[] indices = new ReadOnlySpan<long>(api.Data(value), (int)dims[0]).ToArray();
        return Array.TrueForAll(indices, i => i >= -1 && i < pairs)
            ? indices
            : throw new NodeException($"{node}: 'adapter_index' has a value outside -1 … {pairs - 1}.");
    }

    private static float[] Floats(OrtApi api, nint value, long[] dims, OrtElementType type)
    {
        long count = dims.Aggregate(1L, (product, dim) => product * dim);
        void* data = api.Data(value);
        return type == OrtElementType.Float
            ? new ReadOnlySpan<float>(data, checked((int)count)).ToArray()
            : Array.ConvertAll(new ReadOnlySpan<Half>(data, checked((int)count)).ToArray(), h => (float)h);
    }
}
