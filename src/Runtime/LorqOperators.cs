using System.Collections.Concurrent;
using Lorq.Runtime.Cpu;
using Lorq.Runtime.Interop;
using Lorq.Runtime.Operators;
using Microsoft.ML.OnnxRuntime;
using OrtApi = Lorq.Runtime.Interop.OrtApi;

namespace Lorq.Runtime;

/// <summary>Registers Lorq's operators with ONNX Runtime.</summary>
public static class LorqOperators
{
    /// <summary>The domain of the operators.</summary>
    public const string Domain = "ai.lorq";

    /// <summary>
    /// The entry of session options by which Python and C++ choose the activations, <c>int8</c> (the default) or <c>exact</c>; set before the library is registered.
    /// </summary>
    public const string ActivationsEntry = "ai.lorq.activations";

    // One domain per loaded ONNX Runtime and mode, for all sessions: ONNX Runtime keeps its address, so that it lives until the process ends.
    private static readonly ConcurrentDictionary<(nint Table, ActivationMode Mode), Lazy<nint>> Domains = new();

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
        bool added = false;
        try
        {
            options.DangerousAddRef(ref added);
            Register(OrtApi.Current, options.DangerousGetHandle(), activations);
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

    /// <summary>What a native library's <c>RegisterCustomOps</c> does: registers with the ONNX Runtime that calls it. No exception leaves it.</summary>
    /// <param name="options">An <c>OrtSessionOptions*</c>.</param>
    /// <param name="apiBase">The caller's <c>OrtApiBase*</c>.</param>
    /// <returns>An <c>OrtStatus*</c>; null for success, and where there is no interface to make a status with.</returns>
    internal static nint RegisterNative(nint options, nint apiBase)
    {
        OrtApi api;
        try
        {
            api = new OrtApi(apiBase);
        }
        catch (NotSupportedException e)
        {
            // Older than the interface that statuses are made with: the model's function bodies run instead.
            Console.Error.WriteLine("Lorq's operators are not registered: " + e.Message);
            return 0;
        }
        try
        {
            string? entry = api.ConfigEntry(options, "ai.lorq.activations\0"u8);
            ActivationMode mode = entry switch
            {
                null or "int8" => ActivationMode.Int8,
                "exact" => ActivationMode.Exact,
                _ => throw new NodeException($"The session option {ActivationsEntry} is '{entry}'; it must be int8 or exact."),
            };
            Register(api, options, mode);
            return 0;
        }
#pragma warning disable CA1031 // Nothing managed may pass into native code.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return api.CreateStatus(e);
        }
    }

    private static void Register(OrtApi api, nint options, ActivationMode mode) =>
        api.AddDomain(options, Domains.GetOrAdd((api.Table, mode), _ => new Lazy<nint>(() => CreateDomain(api, mode))).Value);

    private static unsafe nint CreateDomain(OrtApi api, ActivationMode mode)
    {
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
