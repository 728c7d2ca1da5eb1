using Lorq.Runtime.Cpu;
using Lorq.Runtime.Operators;
using Microsoft.ML.OnnxRuntime;
using OrtApi = Lorq.Runtime.Interop.OrtApi;

namespace Lorq.Runtime;

/// <summary>Registers Lorq's operators with ONNX Runtime.</summary>
public static class LorqOperators
{
    /// <summary>The domain of the operators.</summary>
    public const string Domain = "ai.lorq";

    // One domain per mode, for all sessions: ONNX Runtime keeps its address, so that it lives until the process ends.
    private static readonly Lazy<nint> Int8Domain = new(() => CreateDomain(ActivationMode.Int8));
    private static readonly Lazy<nint> ExactDomain = new(() => CreateDomain(ActivationMode.Exact));

    /// <summary>The instruction set that the operators use on this processor, e.g. <c>Avx2</c>.</summary>
    public static string InstructionSet => CpuKernels.Best.ToString();

    /// <summary>Registers <c>ai.lorq::LowRankQMatMul</c> and <c>ai.lorq::QGather</c>: sessions created with these options run them fused instead of through the model's function bodies.</summary>
    /// <param name="options">The options.</param>
    /// <param name="activations">How nodes that leave it open use activations.</param>
    /// <returns>The same options.</returns>
    /// <exception cref="NotSupportedException">ONNX Runtime is older than 1.20.</exception>
    public static SessionOptions AddLorqOperators(this SessionOptions options, ActivationMode activations = ActivationMode.Int8)
    {
        ArgumentNullException.ThrowIfNull(options);
        nint domain = (activations == ActivationMode.Exact ? ExactDomain : Int8Domain).Value;
        bool added = false;
        try
        {
            options.DangerousAddRef(ref added);
            OrtApi.Current.AddDomain(options.DangerousGetHandle(), domain);
        }
        finally
        {
            if (added)
            {
                options.DangerousRelease();
            }
        }
        return options;
    }

    private static unsafe nint CreateDomain(ActivationMode mode)
    {
        OrtApi api = OrtApi.Current;
        nint domain;
        fixed (byte* name = "ai.lorq\0"u8)
        {
            domain = api.CreateDomain(name);
        }
        api.AddOperator(domain, new LowRankQMatMul(api, mode).Describe());
        api.AddOperator(domain, new QGather(api).Describe());
        return domain;
    }
}
