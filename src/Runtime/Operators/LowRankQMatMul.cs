using Lorq.Runtime.Cpu;
using Lorq.Runtime.Interop;

namespace Lorq.Runtime.Operators;

/// <summary>The operator <c>LowRankQMatMul</c> (docs/operators/low-rank-q-matmul.md).</summary>
/// <param name="api">ONNX Runtime.</param>
/// <param name="mode">What <c>activation_bits</c> 0 means.</param>
internal sealed class LowRankQMatMul(OrtApi api, ActivationMode mode) : CustomOperator(api)
{
    internal const int BiasSlot = 10;
    internal const int AdapterASlot = 11;
    internal const int AdapterBSlot = 12;
    internal const int AdapterIndexSlot = 13;

    private readonly MatMulCalls calls = new();
    private readonly Lock guard = new();
    private int nodes;

    /// <inheritdoc/>
    public override string Name => "LowRankQMatMul";

    /// <inheritdoc/>
    public override IReadOnlyList<OrtElementType> Inputs { get; } =
    [OrtElementType.Any, .. StoredWeight.Slots, OrtElementType.Any, OrtElementType.Any, OrtElementType.Any, OrtElementType.Int64];

    /// <inheritdoc/>
    public override int Required => 3;

    /// <inheritdoc/>
    public override OrtElementType Output => OrtElementType.Any;

    /// <inheritdoc/>
    public override INodeKernel Create(nint info)
    {
        var node = new NodeReader(Api, info, Name);
        WeightTensors tensors = StoredWeight.Read(node);
        int bits = node.Attribute("activation_bits\0"u8, "activation_bits", 0);
        if (bits is not (0 or 8 or 32))
        {
            throw node.Fault($"activation_bits is {bits}; it must be 0, 8 or 32.");
        }
        ConstantInput? bias = node.Constant(BiasSlot, "bias")?.Typed(OrtElementType.Float, OrtElementType.Float16).Shaped(tensors.N);
        if (bias is not null)
        {
            // What a bias may hold, NaN included, is the model's affair: only its type and shape are checked.
            tensors = tensors with
            {
                Bias = bias.AnySingles(),
            };
        }
        if (node.Has(AdapterASlot) != node.Has(AdapterBSlot))
        {
            throw node.Fault("'adapter_a' and 'adapter_b' need each other.");
        }
        if (node.Has(AdapterIndexSlot) && !node.Has(AdapterASlot))
        {
            throw node.Fault("'adapter_index' needs 'adapter_a' and 'adapter_b'.");
        }
        ActivationMode chosen =
            bits == 8 ? ActivationMode.Int8
            : bits == 32 ? ActivationMode.Exact
            : mode;
        MatMulKernel kernel = CpuKernels.Create(tensors, chosen, CpuKernels.Best);
        lock (guard)
        {
            nodes++;
        }
        return new LowRankQMatMulNode(Api, node.Node, kernel, bias?.Type, this);
    }

    /// <inheritdoc/>
    public override void InferShape(nint context)
    {
        (OrtElementType type, InferredDimension[] dims) = Api.InferredShape(context, 0);
        (_, InferredDimension[] codes) = Api.InferredShape(context, 1);
        InferredDimension[] output = [.. dims];
        if (output.Length > 0 && codes.Length > 0)
        {
            output[^1] = codes[0];
        }
        SetOutput(context, type, output);
    }

    /// <summary>Scratch memory for a call, shared by all nodes.</summary>
    internal MatMulCall Rent() => calls.Rent();

    /// <summary>Gives it back.</summary>
    internal void Return(MatMulCall call) => calls.Return(call);

    /// <summary>A node is gone; with the last one the scratch memory goes.</summary>
    internal void Release()
    {
        lock (guard)
        {
            if (--nodes == 0)
            {
                calls.Trim();
            }
        }
    }
}
