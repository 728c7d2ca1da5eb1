using System.Xml.Linq;
using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>How to get the same file again.</summary>
internal static class ReproduceSection
{
    /// <summary>The section.</summary>
    public static Section Of(CompressionReport report)
    {
        VersionFacts v = report.Versions;
        string opset = v.OpsetBefore == v.OpsetAfter ? $"opset {v.OpsetBefore}" : $"opset {v.OpsetBefore} → {v.OpsetAfter}";
        return new Section(
            "reproduce",
            "Reproduce",
            Paragraph($"Lorq {v.Lorq}, ONNX Runtime {v.OnnxRuntime}, {opset}."),
            El("h3", "Command"),
            Copyable("command", "Copy the command", report.Reproduce.CommandLine),
            El("h3", "Complete spec"),
            Copyable("spec", "Copy the spec", report.Reproduce.Spec)
        );
    }

    private static XElement Copyable(string id, string label, string text) =>
        El(
            "div",
            Class("copyable"),
            El("button", At("type", "button"), At("data-copy", id), At("hidden", "hidden"), label),
            El("span", Class("copied"), At("role", "status")),
            El(
                "pre",
                At("tabindex", "0"),
                At("role", "region"),
                At("aria-label", id == "spec" ? "Complete spec" : "Command"),
                // As text node: its line breaks stay.
                El("code", Id(id), new XText(SafeText.Block(text)))
            )
        );
}
