using System.CommandLine;
using Lorq.Models;
using Lorq.Reports;

namespace Lorq.Cli;

/// <summary><c>lorq signature</c>.</summary>
internal static class SignatureCommand
{
    /// <summary>The option that names a file for what a run has read.</summary>
    public static Option<string?> Dependencies() =>
        new("--dependencies") { Description = "Write the paths of all files read, for builds.", HelpName = "file" };

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "The ONNX model." };
        var output = new Option<string?>("--output", "-o") { Description = "The file to write; printed by default.", HelpName = "file" };
        Option<string?> dependencies = Dependencies();
        var command = new ExampleCommand(
            "signature",
            "Writes the part of the manifest that code calling the model needs, without compressing anything.",
            """
            lorq signature model.onnx
            lorq signature model.onnx -o model.lorq.json
            """
        )
        {
            model,
            output,
            dependencies,
        };
        command.SetAction(
            (parsed, cancellationToken) =>
            {
                string path = parsed.GetValue(model)!;
                string? list = parsed.GetValue(dependencies);
                SideFiles.Require("lorq signature", [path], (output.Name, parsed.GetValue(output)), (dependencies.Name, list));
                string json = SignatureManifest.Of(path, cancellationToken).ToJson();
                if (parsed.GetValue(output) is { } file)
                {
                    AtomicFile.WriteText(file, json);
                }
                else
                {
                    Console.Write(json);
                }
                if (list is not null)
                {
                    DependencyFile.Write(list, path, null, [], cancellationToken);
                }
                return Task.FromResult(0);
            }
        );
        return command;
    }
}
