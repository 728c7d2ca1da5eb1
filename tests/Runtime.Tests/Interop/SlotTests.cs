using System.Text.RegularExpressions;
using Lorq.Runtime.Interop;

namespace Lorq.Runtime.Tests.Interop;

/// <summary>The indices into ONNX Runtime's function table against the C header of the package that is referenced.</summary>
public sealed partial class SlotTests
{
    [SkippableFact]
    public void Every_index_is_the_headers()
    {
        string? header = Header();
        Skip.If(header is null, "The package's header is not in the NuGet cache.");
        string text = File.ReadAllText(header);
        text = Comments().Replace(text, "");
        int start = text.IndexOf("struct OrtApi {", StringComparison.Ordinal);
        string body = text[start..text.IndexOf("\n};", start, StringComparison.Ordinal)];
        List<string> names = [.. Member().Matches(body).Select(Name)];
        foreach (Slot slot in Enum.GetValues<Slot>())
        {
            Assert.Equal(slot.ToString(), names[(int)slot], ignoreCase: true);
        }
    }

    private static string Name(Match member)
    {
        string name = member.Groups["released"].Success ? "Release" + member.Groups["released"].Value : member.Groups["name"].Value;
        return name.Replace("_", "", StringComparison.Ordinal);
    }

    private static string? Header()
    {
        string packages =
            Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string package = Path.Combine(packages, "microsoft.ml.onnxruntime");
        return Directory.Exists(package)
            ? Directory.EnumerateFiles(package, "onnxruntime_c_api.h", SearchOption.AllDirectories).FirstOrDefault()
            : null;
    }

    [GeneratedRegex(@"//[^\n]*|/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comments();

    // A member of the table: ORT_API2_STATUS(Name, …), ORT_CLASS_RELEASE(Name) (its name is ReleaseName), or a plain function pointer.
    [GeneratedRegex(@"ORT_API2_STATUS\(\s*(?<name>\w+)|ORT_CLASS_RELEASE\(\s*(?<released>\w+)|\(\s*ORT_API_CALL\s*\*\s*(?<name>\w+)\s*\)")]
    private static partial Regex Member();
}
