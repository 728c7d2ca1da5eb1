using System.Diagnostics;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit.Abstractions;

namespace Lorq.Generators.Tests;

/// <summary>What runs again after an edit, that the same input gives the same pages, and how long many manifests take.</summary>
[Collection(nameof(Alone))]
public class PipelineTests(ITestOutputHelper output)
{
    private static readonly string[] steps =
    [
        WrapperGenerator.ItemStep,
        WrapperGenerator.ParseStep,
        WrapperGenerator.DuplicateStep,
        WrapperGenerator.ProjectStep,
        WrapperGenerator.ClashStep,
        WrapperGenerator.PageStep,
    ];

    [Fact]
    public void AnEditOfCodeMakesNothingAnew()
    {
        Project project = Two();
        CSharpCompilation before = project.Compilation();
        GeneratorDriver driver = project.Driver().RunGenerators(before);
        CSharpCompilation after = before.AddSyntaxTrees(CSharpSyntaxTree.ParseText("namespace App { class Other { } }", project.Parse));

        GeneratorRunResult result = driver.RunGenerators(after).GetRunResult().Results.Single();

        Assert.All(
            steps.SelectMany(s => result.TrackedSteps[s]).SelectMany(s => s.Outputs),
            o => Assert.True(o.Reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged, $"{o.Reason}")
        );
        Assert.All(
            result.TrackedOutputSteps.SelectMany(s => s.Value).SelectMany(s => s.Outputs),
            o => Assert.Equal(IncrementalStepRunReason.Cached, o.Reason)
        );
    }

    [Fact]
    public void AnEditOfOneManifestMakesOnePage()
    {
        Project project = Two();
        CSharpCompilation compilation = project.Compilation();
        GeneratorDriver driver = project.Driver().RunGenerators(compilation);
        AdditionalText first = project.Texts[0];
        var edited = new Project.Text(first.Path, project.Manifests[0].Text.Replace("input_ids", "ids", StringComparison.Ordinal));

        GeneratorRunResult result = driver.ReplaceAdditionalText(first, edited).RunGenerators(compilation).GetRunResult().Results.Single();

        IncrementalStepRunReason[] pages =
        [
            .. result.TrackedSteps[WrapperGenerator.PageStep].SelectMany(s => s.Outputs).Select(o => o.Reason),
        ];
        Assert.Single(pages, r => r == IncrementalStepRunReason.Modified);
        Assert.Single(pages, r => r is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged);
    }

    [Fact]
    public void AnEditThatPagesDoNotShowMakesNoPage()
    {
        Project project = Two();
        CSharpCompilation compilation = project.Compilation();
        GeneratorDriver driver = project.Driver().RunGenerators(compilation);
        AdditionalText first = project.Texts[0];
        var edited = new Project.Text(
            first.Path,
            project.Manifests[0].Text.Replace(new string('0', 64), new string('1', 64), StringComparison.Ordinal)
        );

        GeneratorRunResult result = driver.ReplaceAdditionalText(first, edited).RunGenerators(compilation).GetRunResult().Results.Single();

        Assert.All(
            result.TrackedSteps[WrapperGenerator.PageStep].SelectMany(s => s.Outputs),
            o => Assert.True(o.Reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged, $"{o.Reason}")
        );
    }

    [Fact]
    public void TheSameInputGivesTheSamePagesInAnyCultureAndOrder()
    {
        IReadOnlyDictionary<string, string> first = Two().Pages();
        Project reversed = Two();
        reversed.Manifests.Reverse();
        CultureInfo culture = Thread.CurrentThread.CurrentCulture;
        try
        {
            var other = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            other.NumberFormat.NumberDecimalSeparator = ",";
            other.NumberFormat.NegativeSign = "~";
            Thread.CurrentThread.CurrentCulture = other;
            IReadOnlyDictionary<string, string> second = reversed.Pages();
            Assert.Equal(first.OrderBy(p => p.Key, StringComparer.Ordinal), second.OrderBy(p => p.Key, StringComparer.Ordinal));
        }
        finally
        {
            Thread.CurrentThread.CurrentCulture = culture;
        }
    }

    [Fact]
    public void TwoHundredManifestsTakeAtMostASecond()
    {
        var project = new Project();
        for (int i = 0; i < 200; i++)
        {
            project.With($"/p/model{i}.lorq.json", ManifestText.MiniLm());
        }
        CSharpCompilation compilation = project.Compilation();
        Two().Driver().RunGenerators(compilation); // code that is compiled already, as in a compiler server
        // Processor time: other work on the machine does not count.
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        GeneratorDriver driver = project.Driver().RunGenerators(compilation);
        TimeSpan taken = Process.GetCurrentProcess().TotalProcessorTime - before;

        output.WriteLine($"{taken.TotalMilliseconds:0} ms");
        Assert.Equal(200, driver.GetRunResult().GeneratedTrees.Length);
        Assert.True(taken < TimeSpan.FromSeconds(1), $"{taken.TotalMilliseconds:0} ms");
    }

    private static Project Two() =>
        new Project().With("/p/minilm.lorq.json", ManifestText.MiniLm()).With("/p/other.lorq.json", ManifestText.MiniLm());
}

/// <summary>Tests that measure processor time, which others would add to.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
