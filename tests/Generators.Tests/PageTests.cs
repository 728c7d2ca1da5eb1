using Lorq.Tests.Reports;
using Microsoft.CodeAnalysis.CSharp;
using Snapshooter.Xunit;

namespace Lorq.Generators.Tests;

/// <summary>Pages as people read them.</summary>
public class PageTests
{
    [Fact]
    public void MiniLm()
    {
        string page = Page(
            new Project().With(
                "/p/minilm.lorq.json",
                ManifestText.MiniLm(),
                "LorqVisibility=public",
                "LorqModelFile=Models/minilm.lorq.onnx"
            )
        );
        page.MatchSnapshot();
        // The README shows parts of this page, with marks where it leaves something out.
        const string Start = "<!-- generated: a test compares -->\n```csharp\n";
        string readme = File.ReadAllText(Path.Combine(SchemaValidation.Root, "README.md")).ReplaceLineEndings("\n");
        int from = readme.IndexOf(Start, StringComparison.Ordinal) + Start.Length;
        string shown = readme[from..readme.IndexOf("```", from, StringComparison.Ordinal)];
        Assert.All(shown.Split("// …\n"), part => Assert.Contains(part, page, StringComparison.Ordinal));
    }

    [Fact]
    public void MiniLmInCSharp9() =>
        Page(new Project { Language = LanguageVersion.CSharp9 }.With("/p/minilm.lorq.json", ManifestText.MiniLm())).MatchSnapshot();

    [Fact]
    public void ManyKindsOfInputs() =>
        Page(
                new Project { HasServices = true }.With(
                    "/p/kinds.lorq.json",
                    ManifestText
                        .Signature(
                            [
                                ManifestText.Tensor("class", "string", "n", "?"),
                                ManifestText.Tensor("input.1", "float16", "n", "3"),
                                ManifestText.Tensor("1", "bool"),
                                ManifestText.Tensor("a/b:0", "bfloat16", "n"),
                                ManifestText.Tensor("入力", "int4", "n"),
                                ManifestText.Tensor("<x>", "undefined"),
                            ],
                            [
                                ManifestText.Tensor("text", "string"),
                                ManifestText.Tensor("map", "undefined"),
                                ManifestText.Tensor("y", "float", "n"),
                            ]
                        )
                        .ToJsonString()
                )
            )
            .MatchSnapshot();

    [Fact]
    public void AnEmbeddedDecoderWithAdapters() =>
        Page(
                new Project().With(
                    "/p/gpt.lorq.json",
                    ManifestText.Decoder(),
                    "LorqVisibility=public",
                    "LorqModelFile=Models/gpt.onnx",
                    "LorqResourceName=Lorq/Models/gpt.onnx",
                    "LorqAdapters=legal/case law"
                )
            )
            .MatchSnapshot();

    private static string Page(Project project)
    {
        project.Build();
        return Assert.Single(project.Pages()).Value;
    }
}
