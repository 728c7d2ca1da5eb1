using System.CommandLine;
using System.CommandLine.Help;
using System.Runtime.InteropServices;
using Lorq.Diagnostics;
using Lorq.Numerics;

namespace Lorq.Cli;

/// <summary>The <c>lorq</c> command.</summary>
public static class Program
{
    /// <summary>Runs a command line. Exit codes: 0 done, 1 an error the user can act on, 70 an internal error, 130 cancelled.</summary>
    public static int Main(string[] args)
    {
        NativeHeap.ReturnLargeBlocks();
        using var cancellation = new CancellationTokenSource();
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        void Stop(PosixSignalContext context)
        {
            // The first signal asks; a second one ends the process as usual.
            context.Cancel = !cancellation.IsCancellationRequested;
            cancellation.Cancel();
        }
        return Run(args, cancellation.Token);
    }

    /// <summary>Runs a command line inside a process.</summary>
    public static int Run(string[] args, CancellationToken cancellationToken)
    {
        bool verbose = args.Contains(Verbose);
        try
        {
            ParseResult parsed = Root().Parse(args);
            // Help and version answer whatever else is missing.
            bool asksForHelp = args.Any(a => a is "--help" or "-h" or "-?" or "--version");
            if (parsed.Errors.Count > 0 && !asksForHelp)
            {
                throw UsageErrors.From(parsed);
            }
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return parsed.InvokeAsync(configuration, cancellationToken).GetAwaiter().GetResult();
        }
        catch (LorqException e)
        {
            Console.Error.WriteLine(e.ToCanonical());
            return 1;
        }
        catch (Exception e) when (cancellationToken.IsCancellationRequested && IsCancellation(e))
        {
            Console.Error.WriteLine("lorq: cancelled; nothing was written.");
            return 130;
        }
        catch (Exception e) when (!verbose)
        {
            Console.Error.WriteLine($"lorq: internal error: {LorqException.OneLine(e.Message)} Run again with {Verbose} for details.");
            return 70;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
            return 70;
        }
    }

    private const string Verbose = "--verbose";

    /// <summary>Examples of the whole tool.</summary>
    internal const string RootExamples = """
        lorq inspect model.onnx
        lorq compress model.onnx --budget 25% --calibration data.npz -o out/
        lorq compare model.onnx out/model.lorq.onnx --data data.npz
        """;

    /// <summary>The command tree.</summary>
    /// <param name="helpWidth">Columns after which help is wrapped; 0 for the terminal's width.</param>
    internal static RootCommand Root(int helpWidth = 0)
    {
        var root = new RootCommand(
            "Lorq makes ONNX models small: it chooses a rank and a bit-width for every layer with an exact budget solver."
        )
        {
            CompressCommand.Create(),
            InspectCommand.Create(),
            SignatureCommand.Create(),
            CompareCommand.Create(),
            SweepCommand.Create(),
            InitCommand.Create(),
            CacheCommand.Create(),
            TextCommands.Schema(),
            TextCommands.Explain(),
        };
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        var usual = (HelpAction)help.Action!;
        if (helpWidth > 0)
        {
            usual.MaxWidth = helpWidth;
        }
        help.Action = new HelpWithExamples(usual);
        root.Options.Add(new Option<bool>(Verbose) { Description = "Show the stack trace of an internal error.", Recursive = true });
        root.SetAction(_ => root.Parse("--help").Invoke());
        return root;
    }

    private static bool IsCancellation(Exception e) =>
        e is OperationCanceledException || (e is AggregateException a && a.Flatten().InnerExceptions.All(IsCancellation));
}
