using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Lorq.Generators.Tests;

/// <summary>What is wrong is said once, with the place where it is one, and nothing crashes.</summary>
public class ProblemTests
{
    private static readonly string good = ManifestText.MiniLm();

    [Theory]
    [InlineData("", "LORQ1001", "A value is expected here", 1)]
    [InlineData("{\n  \"formatVersion\": 1,\n  \"inputs\": [\n", "LORQ1001", "A value is expected here", 4)]
    [InlineData("{\n\"formatVersion\": 1}", "LORQ1001", "The member 'inputs' is missing", 1)]
    [InlineData("[]", "LORQ1001", "An object is expected here", 1)]
    [InlineData("{\"formatVersion\": 2}", "LORQ1002", "update the package Lorq.Build", 1)]
    [InlineData("{\"formatVersion\": 0}", "LORQ1002", "compress the model again", 1)]
    [InlineData("{\"formatVersion\": 1, \"inputs\": [], \"outputs\": []}", "LORQ1001", "lists no outputs", 1)]
    [InlineData(
        "{\"formatVersion\": 1, \"inputs\": [],\n\"outputs\": [{\"name\":\"y\",\"elementType\":\"float\",\"dims\":[-1]}]}",
        "LORQ1001",
        "A whole number",
        2
    )]
    [InlineData(
        "{\"formatVersion\": 1, \"inputs\": [],\n\"outputs\": [{\"name\":\"\",\"elementType\":\"float\",\"dims\":[]}]}",
        "LORQ1001",
        "A text is expected",
        2
    )]
    [InlineData(
        "{\"formatVersion\": 1, \"inputs\": [],\n\"outputs\": [{\"name\":\"y\",\"elementType\":\"int99\",\"dims\":[]}]}",
        "LORQ1001",
        "'int99' is no element type of ONNX",
        2
    )]
    public void BrokenManifestsAreReportedWhereTheyBreak(string text, string id, string message, int line)
    {
        Diagnostic d = Assert.Single(new Project().With("/p/broken.lorq.json", text).Diagnostics());
        Assert.Equal(id, d.Id);
        Assert.Contains(message, d.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        FileLinePositionSpan place = d.Location.GetLineSpan();
        Assert.Equal("/p/broken.lorq.json", place.Path);
        Assert.Equal(line, place.StartLinePosition.Line + 1);
    }

    [Fact]
    public void ATensorThatComesTwiceIsReported()
    {
        string text = good.Replace("attention_mask", "input_ids", StringComparison.Ordinal);
        Diagnostic d = Assert.Single(new Project().With("/p/a.lorq.json", text).Diagnostics());
        Assert.Contains("The name 'input_ids' comes twice", d.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("LorqClassName=my model", "LORQ1003", "'MyModel'")]
    [InlineData("LorqClassName=class", "LORQ1003", "'Class'")]
    [InlineData("LorqClassName=A.B", "LORQ1003", "'AB'")]
    [InlineData("LorqClassName=1st", "LORQ1003", "'Model1st'")]
    [InlineData("LorqClassName=Session", "LORQ1003", "'SessionModel'")]
    [InlineData("LorqNamespace=My App", "LORQ1005", "'My App'")]
    [InlineData("LorqNamespace=A..B", "LORQ1005", "'A..B'")]
    [InlineData("LorqVisibility=private", "LORQ1006", "'private'")]
    public void BadMetadataIsReported(string metadata, string id, string message)
    {
        Diagnostic d = Assert.Single(new Project().With("/p/minilm.lorq.json", good, metadata).Diagnostics());
        Assert.Equal(id, d.Id);
        Assert.Contains(message, d.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Fact]
    public void TheFirstOfTwoModelsWithOneNameIsMade()
    {
        Project project = new Project().With("/p/a/m.lorq.json", good).With("/p/b/m2.lorq.json", good, "LorqClassName=M");
        Diagnostic d = Assert.Single(project.Diagnostics());
        Assert.Equal("LORQ1004", d.Id);
        Assert.Equal("/p/b/m2.lorq.json", d.Location.GetLineSpan().Path);
        Assert.Contains("'App.M'", d.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        Assert.Single(project.Pages());
    }

    [Fact]
    public void TypesOfTwoModelsDoNotShareNames()
    {
        Project project = new Project().With("/p/m.lorq.json", good).With("/p/m-input.lorq.json", good);
        Assert.Equal("LORQ1004", Assert.Single(project.Diagnostics()).Id);
    }

    [Fact]
    public void WhatTheProjectLacksIsSaidOnce()
    {
        Project old = new Project { Language = LanguageVersion.CSharp8 }
            .With("/p/a.lorq.json", good)
            .With("/p/b.lorq.json", good);
        Assert.Equal("LORQ1007", Assert.Single(old.Diagnostics()).Id);
        Assert.Empty(old.Pages());
        Project bare = new Project { HasRuntime = false }
            .With("/p/a.lorq.json", good)
            .With("/p/b.lorq.json", good);
        Assert.Equal("LORQ1008", Assert.Single(bare.Diagnostics()).Id);
    }

    [Fact]
    public void OtherAdditionalFilesAreLeftAlone()
    {
        Project project = new Project().With("/p/notes.txt", "no manifest", "LorqManifest=false");
        Assert.Empty(project.Diagnostics());
        Assert.Empty(project.Pages());
    }

    [Fact]
    public void NoMutationOfAManifestCrashes()
    {
        const string Characters = "{}[]\",:0123456789-nt\\ ";
        var random = new Random(3);
        var project = new Project();
        for (int i = 0; i < 300; i++)
        {
            char[] text = good.ToCharArray();
            text[random.Next(text.Length)] = Characters[random.Next(Characters.Length)];
            project.With($"/p/m{i}.lorq.json", new string(text));
        }
        GeneratorRunResult result = project.Driver().RunGenerators(project.Compilation()).GetRunResult().Results.Single();
        Assert.Null(result.Exception);
        Assert.Equal(300, result.GeneratedSources.Length + result.Diagnostics.Length);
    }
}
