using System.CommandLine;
using System.Globalization;
using Lorq.Checks;
using Lorq.Reports;
using Spectre.Console;

namespace Lorq.Cli;

/// <summary><c>lorq compare</c>.</summary>
internal static class CompareCommand
{
    private const int MostThreads = 1024;

    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var first = new Argument<string>("original") { Description = "The original model." };
        var second = new Argument<string>("other") { Description = "The model to compare with it." };
        var data = new Option<string[]>("--data", "-d")
        {
            Description = "Samples to run both on: .npz, .npy per input, or test_data_set folders.",
            AllowMultipleArgumentsPerToken = true,
            HelpName = "path",
        };
        var threads = new Option<int>("--threads")
        {
            Description = "Threads; 0 for one per core.",
            HelpName = "n",
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) || count > MostThreads)
                {
                    result.AddError($"'--threads' wants a whole number from 0 to {MostThreads}, but has '{text}'");
                }
                return count;
            },
        };
        var profile = new Option<bool>("--profile")
        {
            Description = "Show where the time of a run goes: per weight and per operator, by ONNX Runtime's profile of both models.",
        };
        var stock = new Option<bool>("--stock")
        {
            Description = "Run ai.lorq nodes by their function bodies, as ONNX Runtime without Lorq does, instead of by Lorq's operators.",
        };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new ExampleCommand(
            "compare",
            "Runs two models on the same data and shows sizes, how far the outputs are apart, and the ratio of their run times.",
            """
            lorq compare model.onnx out/model.lorq.onnx --data data.npz
            lorq compare model.onnx out/model.lorq.onnx --data data.npz --profile
            lorq compare model.onnx out/model.lorq.onnx --data data.npz --json
            """
        )
        {
            first,
            second,
            data,
            threads,
            profile,
            stock,
            json,
        };
        command.SetAction(
            (parsed, cancellationToken) =>
            {
                bool isJson = parsed.GetValue(json);
                ComparisonReport report = ProgressDisplay.Run(
                    isJson,
                    progress =>
                        ModelComparison.Run(
                            parsed.GetValue(first)!,
                            parsed.GetValue(second)!,
                            parsed.GetValue(data) ?? [],
                            new ComparisonOptions(parsed.GetValue(threads), parsed.GetValue(profile), parsed.GetValue(stock)),
                            progress,
                            cancellationToken
                        )
                );
                if (isJson)
                {
                    Console.Write(JsonReport.Write(report));
                }
                else
                {
                    ComparisonSummary.Write(AnsiConsole.Console, report);
                }
                return Task.FromResult(0);
            }
        );
        return command;
    }
}
