using System.CommandLine;
using System.Text.Json;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Reports;
using Lorq.Reports.Html;
using Lorq.Specs;
using Spectre.Console;

namespace Lorq.Cli;

/// <summary><c>lorq sweep</c>.</summary>
internal static class SweepCommand
{
    private const int MostPoints = 1000;

    /// <summary>Keys that say nothing about a front.</summary>
    private static readonly string[] without = ["budget", "maxLoss", "activations", "externalData", "accuracy.metric", "accuracy.limit"];

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "The ONNX model." };
        var specFile = new Option<string?>("--spec") { Description = "A spec file; options given here override it.", HelpName = "file" };
        var points = new Option<int>("--points")
        {
            Description =
                "How many sizes to solve for, evenly from the smallest file to the largest worth having; those of uniform plans come on top.",
            DefaultValueFactory = _ => 50,
            HelpName = "n",
        };
        var verify = new Option<int>("--verify")
        {
            Description = "How many of the points to make and measure end to end, evenly spaced; none unless given.",
            HelpName = "n",
        };
        var csv = new Option<string?>("--csv") { Description = "Write every point to this file.", HelpName = "file" };
        var svg = new Option<string?>("--svg") { Description = "Draw the front into this file.", HelpName = "file" };
        var json = new Option<bool>("--json") { Description = "Print JSON instead of chart and table." };
        var quiet = new Option<bool>("--quiet", "-q") { Description = "No progress." };
        var command = new ExampleCommand(
            "sweep",
            "Shows what every size would cost: the whole size–loss front of a model, with the plans that treat all weights alike beside it.",
            """
            lorq sweep model.onnx --calibration data.npz
            lorq sweep model.onnx --calibration data.npz --csv front.csv --svg front.svg
            lorq sweep model.onnx --calibration data.npz --points 100 --verify 5
            """
        )
        {
            model,
            specFile,
        };
        var options = new SpecOptions(command, without);
        var cacheOptions = new CacheOptions(command);
        foreach (Option option in (Option[])[points, verify, csv, svg, json, quiet])
        {
            command.Options.Add(option);
        }
        command.SetAction(
            (parsed, cancellationToken) =>
            {
                CompressionSpec spec = parsed.GetValue(specFile) is { } file ? SpecParser.Parse(file) : new CompressionSpec();
                spec = options.Apply(spec, parsed);
                var request = new SweepRequest(
                    parsed.GetValue(model)!,
                    spec,
                    InRange("--points", parsed.GetValue(points), 1),
                    InRange("--verify", parsed.GetValue(verify), 0)
                )
                {
                    Cache = cacheOptions.Folder(parsed),
                };
                if (request.Verify > request.Points)
                {
                    throw Catalogue.WrongUsage.With(
                        $"--verify wants at most as many points as --points has, which is {request.Points}, but has {request.Verify}",
                        "lorq sweep"
                    );
                }
                string? table = parsed.GetValue(csv);
                string? picture = parsed.GetValue(svg);
                SideFiles.Require(
                    "lorq sweep",
                    DependencyFile.Inputs(request.ModelPath, parsed.GetValue(specFile), spec),
                    (csv.Name, table),
                    (svg.Name, picture)
                );
                SweepReport report = ProgressDisplay.Run(
                    parsed.GetValue(quiet),
                    progress => Sweep.Run(request, progress, cancellationToken)
                );
                CacheOptions.Warn(request.Cache);
                if (table is not null)
                {
                    AtomicFile.WriteText(table, report.ToCsv());
                }
                if (picture is not null)
                {
                    AtomicFile.WriteText(picture, FrontPicture.Write(report));
                }
                if (parsed.GetValue(json))
                {
                    Console.WriteLine(JsonSerializer.Serialize(report, ReportJson.Default.SweepReport));
                }
                else
                {
                    SweepSummary.Write(AnsiConsole.Console, report);
                }
                return Task.FromResult(0);
            }
        );
        return command;
    }

    private static int InRange(string option, int value, int least) =>
        value >= least && value <= MostPoints
            ? value
            : throw Catalogue.WrongUsage.With($"{option} wants a number from {least} to {MostPoints}, but has {value}", "lorq sweep");
}
