using System.CommandLine;
using Lorq.Diagnostics;
using Lorq.Reports;
using Lorq.Specs;
using Spectre.Console;

namespace Lorq.Cli;

/// <summary><c>lorq compress</c>.</summary>
internal static class CompressCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "The ONNX model to compress." };
        var output = new Option<string>("--output", "-o")
        {
            Description = "Folder for the compressed model, its manifest and the report.",
            DefaultValueFactory = _ => "out",
            HelpName = "folder",
        };
        var specFile = new Option<string?>("--spec") { Description = "A spec file; options given here override it.", HelpName = "file" };
        var quiet = new Option<bool>("--quiet", "-q") { Description = "No progress; one line at the end." };
        var noSpeed = new Option<bool>("--no-speed")
        {
            Description = "Do not time the written model beside the original for the report; takes a few seconds otherwise.",
        };
        Option<string?> dependencies = SignatureCommand.Dependencies();
        var json = new Option<bool>("--json") { Description = "Print the report as JSON instead of the summary." };
        var command = new ExampleCommand(
            "compress",
            "Compresses a model to a size budget and writes <name>.lorq.onnx, its manifest <name>.lorq.json and a report.",
            """
            lorq compress model.onnx --budget 25% --calibration data.npz -o out/
            lorq compress model.onnx --target onnx --budget 9MB --calibration "data/*.npz"
            lorq compress model.onnx --spec model.spec.json --bits 4,8 --exclude "*head*"
            lorq compress model.onnx --max-loss 0.01 --calibration data.npz
            lorq compress model.onnx --budget 4bpw   (without data: data-free methods)
            """
        )
        {
            model,
            output,
            specFile,
        };
        var options = new SpecOptions(command);
        var cacheOptions = new CacheOptions(command);
        command.Options.Add(quiet);
        command.Options.Add(noSpeed);
        command.Options.Add(json);
        command.Options.Add(dependencies);
        command.SetAction(
            (parsed, cancellationToken) =>
            {
                string path = parsed.GetValue(model)!;
                CompressionSpec spec = parsed.GetValue(specFile) is { } file ? SpecParser.Parse(file) : new CompressionSpec();
                spec = options.Apply(spec, parsed);
                if (spec is { Budget: null, MaxLoss: null })
                {
                    throw Catalogue.NoBudget.With(path);
                }
                string? list = parsed.GetValue(dependencies);
                SideFiles.Require("lorq compress", DependencyFile.Inputs(path, parsed.GetValue(specFile), spec), (dependencies.Name, list));
                bool isQuiet = parsed.GetValue(quiet);
                var request = new CompilationRequest(path, spec, parsed.GetValue(output)!, Reproduce(parsed))
                {
                    Cache = cacheOptions.Folder(parsed),
                    MeasuresSpeed = !parsed.GetValue(noSpeed),
                };
                CompilationResult result = ProgressDisplay.Run(isQuiet, progress => Compilation.Run(request, progress, cancellationToken));
                if (list is not null)
                {
                    DependencyFile.Write(list, path, parsed.GetValue(specFile), spec.Calibration.Data, cancellationToken);
                }
                if (parsed.GetValue(json))
                {
                    Console.Write(JsonReport.Write(result.Report));
                }
                else if (isQuiet)
                {
                    Console.WriteLine(
                        $"{path}: {result.Report.Model.OriginalBytes} → {result.Report.Model.WrittenBytes} bytes, {result.ModelPath}"
                    );
                }
                else
                {
                    ConsoleSummary.Write(AnsiConsole.Console, result.Report);
                }
                return Task.FromResult(0);
            }
        );
        return command;
    }

    /// <summary>The command line, quoted for a shell.</summary>
    private static string Reproduce(ParseResult parsed)
    {
        IEnumerable<string> words = parsed.Tokens.Select(t => t.Value);
        return "lorq "
            + string.Join(
                ' ',
                words.Select(w => w.All(c => char.IsLetterOrDigit(c) || "-_./,:=%+@~".Contains(c)) ? w : $"'{w.Replace("'", "'\\''")}'")
            );
    }
}
