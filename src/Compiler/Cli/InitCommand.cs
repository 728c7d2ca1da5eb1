using System.CommandLine;
using System.Text;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Specs;

namespace Lorq.Cli;

/// <summary><c>lorq init</c>.</summary>
internal static class InitCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "The ONNX model." };
        var output = new Option<string?>("--output", "-o")
        {
            Description = "The spec to write; <model>.spec.json by default.",
            HelpName = "file",
        };
        var force = new Option<bool>("--force") { Description = "Overwrite an existing file." };
        var command = new ExampleCommand(
            "init",
            "Writes a commented spec to start from.",
            """
            lorq init model.onnx
            lorq init model.onnx -o small.spec.json --force
            """
        )
        {
            model,
            output,
            force,
        };
        command.SetAction(
            (parsed, cancellationToken) =>
            {
                string path = parsed.GetValue(model)!;
                string target = parsed.GetValue(output) ?? Path.ChangeExtension(path, ".spec.json");
                if (File.Exists(target) && !parsed.GetValue(force))
                {
                    throw Catalogue.FileExists.With(target);
                }
                using OnnxModel loaded = OnnxModel.Load(path, cancellationToken);
                Write(target, SpecDocs.Template(loaded));
                Console.WriteLine($"{target}: edit it, then run: lorq compress {path} --spec {target}");
                return Task.FromResult(0);
            }
        );
        return command;
    }

    private static void Write(string path, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        try
        {
            using var file = new AtomicFile(Path.GetFullPath(path), bytes.Length, AtomicFile.Open);
            file.Stream.Write(bytes);
            file.Close();
            file.Commit();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Catalogue.CannotWriteFile.With(path, e.Message);
        }
    }
}
