using System.Runtime.InteropServices;
using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Onnx;

namespace Lorq.Checks;

/// <summary>Which rows of an output count: those at whose (sample, position) the mask input is not 0.</summary>
internal sealed class RowMask
{
    private readonly long[] shape;
    private readonly bool[] set;

    private RowMask(long[] shape, bool[] set)
    {
        this.shape = shape;
        this.set = set;
    }

    /// <summary>Reads the mask of a batch; null when the model has none.</summary>
    /// <exception cref="LorqException">LORQ0803: the batch does not hold the mask input.</exception>
    public static RowMask? Of(IReadOnlyDictionary<string, DataTensor> inputs, string? name)
    {
        if (name is null)
        {
            return null;
        }
        if (!inputs.TryGetValue(name, out DataTensor? tensor))
        {
            throw Catalogue.MaskInputMissing.With(name, string.Join(", ", inputs.Keys.Order(StringComparer.Ordinal)));
        }
        return new(tensor.Shape, Read(tensor));
    }

    /// <summary>
    /// The rows of an output that count, in order; null when all do. A mask [B, T] applies to outputs [B, T, …, C] and [B·T, C] (as
    /// exporters flatten it before Gemm); an output of another form (a pooled one, [B, C]) has no padding to leave out.
    /// </summary>
    public int[]? Rows(ReadOnlySpan<long> output, int rows)
    {
        bool isFlat = output.Length == 2 && shape.Length == 2 && output[0] == set.Length;
        bool applies = isFlat || (shape.Length > 0 && output.Length > shape.Length && output.StartsWith(shape));
        if (!applies || set.Length == 0 || Array.TrueForAll(set, s => s))
        {
            return null;
        }
        int inner = rows / set.Length;
        return [.. Enumerable.Range(0, rows).Where(r => set[r / inner])];
    }

    private static bool[] Read(DataTensor tensor)
    {
        switch (tensor.ElementType)
        {
            // Not by their bytes: −0 is 0.
            case TensorProto.Types.DataType.Float:
                return Array.ConvertAll(MemoryMarshal.Cast<byte, float>(tensor.Bytes).ToArray(), v => v != 0);
            case TensorProto.Types.DataType.Double:
                return Array.ConvertAll(MemoryMarshal.Cast<byte, double>(tensor.Bytes).ToArray(), v => v != 0);
            case TensorProto.Types.DataType.Float16:
                return Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(tensor.Bytes).ToArray(), v => v != (Half)0);
        }
        long count = 1;
        foreach (long d in tensor.Shape)
        {
            count *= d;
        }
        var set = new bool[count];
        int size = count == 0 ? 1 : (int)(tensor.Bytes.Length / count);
        for (int i = 0; i < set.Length; i++)
        {
            set[i] = tensor.Bytes.AsSpan(i * size, size).ContainsAnyExcept((byte)0);
        }
        return set;
    }
}
