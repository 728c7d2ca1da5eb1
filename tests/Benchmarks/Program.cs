using System.CommandLine;
using Lorq.Benchmarks.Suites;
using Lorq.Benchmarks.Tools;

namespace Lorq.Benchmarks;

/// <summary>The <c>Benchmarks</c> command: one subcommand per suite.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        var root = new RootCommand(
            "Measures what Lorq's output is worth, on the real models in '../shared/models', and writes docs/results."
        )
        {
            Suite(
                "quality",
                "The bars of file size and loss, next to plain rounding at the same bytes; time and memory. Writes quality.md.",
                (models, work, name, stop) => new QualityBenchmark(models, work, name).Run(stop)
            ),
            Suite(
                "front",
                "Eleven budgets from 2.5 to 8 bits per weight, next to the best uniform plan of the same bytes; what each method won. Writes front.md.",
                (models, work, name, stop) => new FrontBenchmark(models, work, name).Run(stop)
            ),
            Suite(
                "methods",
                "The loss of every quantizer at equal bytes. Writes methods.md.",
                (models, work, name, stop) =>
                {
                    new MethodsBenchmark(models, work, name).Run(stop);
                    return Task.FromResult(true);
                }
            ),
            Suite(
                "speed",
                "Run time of compressed models over fp32 and over a plain file in the peers' format. Writes speed.md.",
                (models, work, name, stop) => new SpeedBenchmark(models, work, name).Run(stop)
            ),
            Suite(
                "fused",
                "Loss, run time, load time and memory of files of the fused target. Writes fused.md.",
                (models, work, name, stop) => new FusedBenchmark(models, work, name).Run(stop)
            ),
            Suite(
                "rtn-check",
                "Plain rounding in the peers' format against the figures that the peers reach. Writes rtn-check.md.",
                (models, work, name, stop) => Task.FromResult(new RtnCheck(models, work, name).Run(stop))
            ),
            Suite(
                "judges",
                "The judges on the original models: known figures, and no loss against themselves.",
                (models, work, name, stop) => Task.FromResult(new JudgeCheck(models, work, name).Run(stop))
            ),
            Kernels(),
            Build(),
            Picture(),
            Template(),
            RunOnce(),
        };
        using var cancellation = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = !cancellation.IsCancellationRequested;
            cancellation.Cancel();
        };
        try
        {
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await root.Parse(args).InvokeAsync(configuration, cancellation.Token);
        }
        catch (BenchmarkException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Cancelled; no page was written.");
            return 130;
        }
    }

    private static Command Suite(
        string name,
        string description,
        Func<SharedModels, WorkFolder, string?, CancellationToken, Task<bool>> run
    )
    {
        var only = new Option<string?>("--only") { Description = "Measure one model only; no page is written." };
        only.AcceptOnlyFromAmong([.. SharedModels.Names]);
        var keep = new Option<string?>("--keep") { Description = "Keep the compressed files in this folder.", HelpName = "folder" };
        var command = new Command(name, description) { only, keep };
        command.SetAction(
            async (parsed, stop) =>
            {
                SharedModels models =
                    SharedModels.Find()
                    ?? throw new BenchmarkException(
                        $"The real models are not in this repository: they are expected in '{Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared", "models"))}'. "
                            + "Without them there is nothing to measure; 'dotnet test Compiler.sln' and the README's first command need none."
                    );
                using var work = new WorkFolder(parsed.GetValue(keep));
                bool met = await run(models, work, parsed.GetValue(only), stop);
                return met ? 0 : 1;
            }
        );
        return command;
    }

    private static Command Kernels()
    {
        var command = new Command(
            "kernels",
            "The fused node against ONNX Runtime's 4-bit MatMul with a low-rank branch and against fp32. Writes kernels.md."
        );
        var only = new Option<string?>("--only") { Description = "Measure one shape K×N only; figures are printed, no page is written." };
        only.AcceptOnlyFromAmong(KernelBenchmark.Names);
        command.Add(only);
        command.SetAction((parsed, stop) => Task.FromResult(new KernelBenchmark(parsed.GetValue(only)).Run(stop) ? 0 : 1));
        return command;
    }

    private static Command Build()
    {
        var command = new Command(
            "build",
            "From the packages to a typed call: three commands, what a build that has nothing to do costs, cold and warm builds, sizes. Writes build.md."
        );
        command.SetAction(
            async (_, stop) =>
            {
                using var work = new WorkFolder(null);
                return await new BuildBenchmark(work).Run(stop) ? 0 : 1;
            }
        );
        return command;
    }

    private static Command Template()
    {
        var command = new Command("template", $"Makes the model of dotnet new lorq-console anew: {TemplateModel.Place}.");
        command.SetAction(_ => TemplateModel.Write());
        return command;
    }

    /// <summary>What <c>fused</c> measures the memory of.</summary>
    private static Command RunOnce()
    {
        var model = new Argument<string>("model");
        var operators = new Option<bool>("--operators");
        var command = new Command("run", "Loads a model and runs a batch.") { model, operators };
        command.Hidden = true;
        command.SetAction(parsed => FusedBenchmark.RunOnce(parsed.GetRequiredValue(model), parsed.GetValue(operators)));
        return command;
    }

    private static Command Picture()
    {
        var command = new Command("picture", "Draws what the README's first command prints: docs/images/summary.svg.");
        command.SetAction((_, stop) => SummaryPicture.Write(stop));
        return command;
    }
}
