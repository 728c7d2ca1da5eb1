using System.Reflection;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Reports;

/// <summary>Versions of what took part.</summary>
/// <param name="Lorq">This compiler.</param>
/// <param name="OnnxRuntime">ONNX Runtime.</param>
/// <param name="OpsetBefore">The original's default opset.</param>
/// <param name="OpsetAfter">The written model's.</param>
public sealed record VersionFacts(string Lorq, string OnnxRuntime, long OpsetBefore, long OpsetAfter)
{
    /// <summary>The versions in use.</summary>
    public static VersionFacts Current(long opsetBefore, long opsetAfter) => new(LorqVersion(), RuntimeVersion(), opsetBefore, opsetAfter);

    /// <summary>This compiler's version, without build metadata (the part after <c>+</c>).</summary>
    public static string LorqVersion()
    {
        string version = typeof(VersionFacts).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        int plus = version.IndexOf('+', StringComparison.Ordinal);
        return plus < 0 ? version : version[..plus];
    }

    /// <summary>The version of the ONNX Runtime in use.</summary>
    public static string RuntimeVersion() => OrtEnv.Instance().GetVersionString();
}
