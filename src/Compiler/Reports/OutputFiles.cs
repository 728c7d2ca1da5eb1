using Lorq.Checks;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Reports.Html;

namespace Lorq.Reports;

/// <summary>The files of one compression: their names, where they are staged, and how they are written.</summary>
/// <param name="original">The original model.</param>
/// <param name="staging">The folder they are written to first.</param>
/// <param name="target">The folder they end in.</param>
internal sealed class OutputFiles(string original, string staging, string target)
{
    private readonly string name = Path.GetFileNameWithoutExtension(original);

    /// <summary>The compressed model.</summary>
    public string Model => name + ".lorq.onnx";

    /// <summary>True when the staged model has some of its tensors in a file beside it.</summary>
    public bool HasExternalData => File.Exists(Staged(Data));

    /// <summary>Its manifest.</summary>
    public string Manifest => name + ".lorq.json";

    /// <summary>The report for people.</summary>
    public string Markdown => name + ".report.md";

    /// <summary>The report for people, with charts, for a browser.</summary>
    public string Html => name + ".report.html";

    /// <summary>The report for programs.</summary>
    public string Json => name + ".report.json";

    /// <summary>Where plans that are only tried are written; never moved into place.</summary>
    public string Trial => Staged("trial.onnx");

    private string Data => Model + ".data";

    /// <summary>What is moved into place, in order: a model never stands without its data, nor a manifest before its model.</summary>
    public IReadOnlyList<string> Names => [.. HasExternalData ? new[] { Data } : [], Model, Json, Markdown, Html, Manifest];

    /// <summary>Where a file is written.</summary>
    public string Staged(string file) => Path.Combine(staging, file);

    /// <summary>Where it ends.</summary>
    public string Final(string file) => Path.Combine(target, file);

    /// <summary>Makes sure that no name is taken by a folder, before the work whose results would not find their place.</summary>
    /// <exception cref="LorqException">One is.</exception>
    public void RequirePlaces()
    {
        if (Names.FirstOrDefault(n => Directory.Exists(Final(n))) is { } taken)
        {
            throw Catalogue.OutputFolderNotWritable.With(target, $"'{taken}' is a folder.");
        }
    }

    /// <summary>The two models, for the report.</summary>
    /// <param name="originalBytes">Bytes of the original.</param>
    /// <param name="writtenBytes">Bytes of the written one.</param>
    public ModelFacts Facts(long originalBytes, long writtenBytes) =>
        new(name, original, originalBytes, Final(Model), writtenBytes, [Final(Manifest), Final(Html), Final(Markdown), Final(Json)]);

    /// <summary>Writes the manifest beside the staged model.</summary>
    /// <param name="report">The report.</param>
    /// <param name="found">The staged model's inputs and outputs.</param>
    /// <param name="cancellationToken">Stops.</param>
    public void WriteManifest(CompressionReport report, CheckedModel found, CancellationToken cancellationToken) =>
        Writing(() =>
        {
            using OnnxModel written = OnnxModel.Load(Staged(Model), cancellationToken);
            using OnnxModel before = OnnxModel.Load(original, cancellationToken);
            Reports.Manifest manifest = Reports.Manifest.Of(
                report,
                ManifestFile.Of(Staged(Model), written.ExternalFiles, cancellationToken),
                ManifestFile.Of(original, before.ExternalFiles, cancellationToken),
                found.Inputs,
                found.OptionalInputs,
                found.Outputs,
                written.Proto.OpsetImport.Select(o => (o.Domain, o.Version))
            );
            File.WriteAllText(Staged(Manifest), manifest.ToJson());
        });

    /// <summary>Writes the reports beside the staged model.</summary>
    public void WriteReports(CompressionReport report) =>
        Writing(() =>
        {
            File.WriteAllText(Staged(Json), JsonReport.Write(report));
            File.WriteAllText(Staged(Markdown), MarkdownReport.Write(report));
            File.WriteAllText(Staged(Html), HtmlReport.Write(report));
        });

    private void Writing(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Catalogue.CannotWriteFile.With(target, e.Message);
        }
    }
}
