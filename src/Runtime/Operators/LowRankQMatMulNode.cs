using Lorq.Runtime.Cpu;
using Lorq.Runtime.Interop;

namespace Lorq.Runtime.Operators;

/// <summary>A node of <see cref="LowRankQMatMul"/>.</summary>
internal sealed unsafe class LowRankQMatMulNode(
    OrtApi api,
    string name,
    MatMulKernel kernel,
    OrtElementType? biasType,
    LowRankQMatMul owner
) : INodeKernel
{
    /// <inheritdoc/>
    public void Compute(nint context)
    {
        nint input = api.Input(context, 0);
        (OrtElementType type, long[] dims) = api.Shape(input);
        if (type is not (OrtElementType.Float or OrtElementType.Float16))
        {
            throw Fault($"x has element type {type}, expected Float or Float16.");
        }
        if (biasType is { } of && of != type)
        {
            throw Fault($"'bias' has element type {of}, x has {type}.");
        }
        if (dims.Length == 0 || dims[^1] != kernel.Weights.K)
        {
            throw Fault($"x has shape [{string.Join(", ", dims)}]; its last dim must be K ({kernel.Weights.K}).");
        }
        long rows = 1;
        foreach (long dim in dims.AsSpan(0, dims.Length - 1))
        {
            rows *= dim;
        }
        if (rows > int.MaxValue)
        {
            throw Fault($"x has {rows} rows, which is too many.");
        }
        long[] shape = [.. dims.AsSpan(0, dims.Length - 1), kernel.Weights.N];
        Adapter? adapter = Adapter.Read(api, context, name, dims, type, kernel.Weights.K, kernel.Weights.N);
        nint output = api.Output(context, 0, shape);
        if (rows == 0)
        {
            return;
        }
        if (type == OrtElementType.Float)
        {
            Run(context, (float*)api.Data(input), (float*)api.Data(output), (int)rows, adapter);
            return;
        }
        nint inputs = (nint)rows * kernel.Weights.K;
        nint outputs = (nint)rows * kernel.Weights.N;
        using var buffer = new NativeBuffer((inputs + outputs) * sizeof(float));
        float* x = (float*)buffer.Pointer;
        Half* from = (Half*)api.Data(input);
        for (nint i = 0; i < inputs; i++)
        {
            x[i] = (float)from[i];
        }
        float* y = x + inputs;
        Run(context, x, y, (int)rows, adapter);
        Half* to = (Half*)api.Data(output);
        for (nint i = 0; i < outputs; i++)
        {
            to[i] = (Half)y[i];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        kernel.Dispose();
        owner.Release();
    }

    private void Run(nint context, float* x, float* y, int rows, Adapter? adapter)
    {
        MatMulCall call = owner.Rent();
        try
        {
            kernel.Multiply(call, x, y, rows, new OrtParallel(api, context));
        }
        finally
        {
            owner.Return(call);
        }
        adapter?.Add(x, y, rows);
    }

    private NodeException Fault(string what) => new($"{name}: {what}");
}
