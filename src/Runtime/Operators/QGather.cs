using Lorq.Runtime.Cpu;
using Lorq.Runtime.Interop;

namespace Lorq.Runtime.Operators;

/// <summary>The operator <c>QGather</c> (docs/operators/q-gather.md).</summary>
internal sealed class QGather(OrtApi api) : CustomOperator(api)
{
    /// <inheritdoc/>
    public override string Name => "QGather";

    /// <inheritdoc/>
    public override IReadOnlyList<OrtElementType> Inputs { get; } = [OrtElementType.Any, .. StoredWeight.Slots];

    /// <inheritdoc/>
    public override int Required => 3;

    /// <inheritdoc/>
    public override OrtElementType Output => OrtElementType.Any;

    /// <inheritdoc/>
    public override INodeKernel Create(nint info)
    {
        var node = new NodeReader(Api, info, Name);
        StoredTable table = StoredTable.Read(node);
        int type = node.Attribute("dtype\0"u8, "dtype", (int)OrtElementType.Float);
        if (type is not ((int)OrtElementType.Float or (int)OrtElementType.Float16))
        {
            throw node.Fault($"dtype is {type}; it must be 1 (float) or 10 (float16).");
        }
        return new QGatherNode(Api, node.Node, table, (OrtElementType)type);
    }

    /// <inheritdoc/>
    public override void InferShape(nint context)
    {
        (_, InferredDimension[] dims) = Api.InferredShape(context, 0);
        long type = Api.InferredAttribute(context, "dtype\0"u8) ?? (long)OrtElementType.Float;
        SetOutput(context, (OrtElementType)type, [.. dims, Api.InferredAttribute(context, "K\0"u8) ?? -1]);
    }
}

/// <summary>A node of <see cref="QGather"/>: rows are decoded from the session's own tensors, nothing is unpacked at load.</summary>
internal sealed unsafe class QGatherNode(OrtApi api, string name, StoredTable table, OrtElementType type) : INodeKernel
{
    /// <inheritdoc/>
    public void Compute(nint context)
    {
        nint input = api.Input(context, 0);
        (OrtElementType indexType, long[] dims) = api.Shape(input);
        if (indexType is not (OrtElementType.Int32 or OrtElementType.Int64))
        {
            throw Fault($"indices have element type {indexType}, expected Int32 or Int64.");
        }
        long count = dims.Aggregate(1L, (product, dim) => product * dim);
        void* indices = api.Data(input);
        for (long i = 0; i < count; i++)
        {
            long index = Index(indices, indexType, i);
            if (index < -table.N || index >= table.N)
            {
                throw Fault($"index {index} is outside -{table.N} … {table.N - 1}.");
            }
        }
        nint output = api.Output(context, 0, [.. dims, table.K]);
        if (count == 0)
        {
            return;
        }
        void* y = api.Data(output);
        byte[] codes = new byte[(table.K + 7) / 8 * 8];
        float[] row = new float[table.K];
        for (long i = 0; i < count; i++)
        {
            long index = Index(indices, indexType, i);
            Decode((int)(index < 0 ? index + table.N : index), codes, row);
            if (type == OrtElementType.Float)
            {
                row.CopyTo(new Span<float>((float*)y + (nint)i * table.K, table.K));
                continue;
            }
            Half* to = (Half*)y + (nint)i * table.K;
            for (int k = 0; k < row.Length; k++)
            {
                to[k] = (Half)row[k];
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() { }

    private static long Index(void* indices, OrtElementType type, long at) =>
        type == OrtElementType.Int32 ? ((int*)indices)[at] : ((long*)indices)[at];

    private void Decode(int n, byte[] codes, float[] row)
    {
        int found = Array.BinarySearch(table.Starts, n);
        int run = found >= 0 ? found : ~found - 1;
        Decode(table.Runs[run], n - table.Starts[run], codes, row);
        for (int k = 0; table.Rank > 0 && k < row.Length; k++)
        {
            float sum = 0;
            for (int j = 0; j < table.Rank; j++)
            {
                sum += table.L1[k * table.Rank + j] * table.L2[j * table.N + n];
            }
            row[k] += sum;
        }
    }

    private static void Decode(WeightTensors tensors, int n, byte[] codes, float[] row)
    {
        tensors.Codes.Read(n, codes);
        int block = tensors.Block == 0 ? tensors.K : tensors.Block;
        for (int b = 0; b < tensors.Blocks; b++)
        {
            float scale = tensors.ScaleAt(n * tensors.Blocks + b);
            int zero = tensors.Zeros is { } zeros ? zeros[n * tensors.Blocks + b] : 1 << (tensors.Bits - 1);
            int end = Math.Min((b + 1) * block, row.Length);
            for (int k = b * block; k < end; k++)
            {
                row[k] = (tensors.Codebook is { } codebook ? codebook[codes[k]] : codes[k] - zero) * scale;
            }
        }
    }

    private NodeException Fault(string what) => new($"{name}: {what}");
}
