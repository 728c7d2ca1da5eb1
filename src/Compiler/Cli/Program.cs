using Lorq.Diagnostics;
using Lorq.Reports;
using Lorq.Specs;
using Spectre.Console;

namespace Lorq.Cli;

/// <summary>The <c>lorq</c> command.</summary>
public static class Program
{
    /// <summary>Interim.</summary>
    public static int Main(string[] args)
    {
        var spec = new CompressionSpec
        {
            Calibration = new CalibrationSpec { Data = args.Length > 4 ? [args[4]] : [] },
            Target = args[3],
        };
        spec = spec with
        {
            Budget = args[1].EndsWith('%')
                ? new SizeBudget.Percent(double.Parse(args[1].TrimEnd('%')))
                : new SizeBudget.Bytes(long.Parse(args[1])),
        };
        if (Environment.GetEnvironmentVariable("BITS") is { } b)
            spec = spec with { Menu = spec.Menu with { Bits = [.. b.Split(',').Select(int.Parse)] } };
        if (Environment.GetEnvironmentVariable("BLOCKS") is { } k)
            spec = spec with { Menu = spec.Menu with { Blocks = [.. k.Split(',').Select(int.Parse)] } };
        if (Environment.GetEnvironmentVariable("METHODS") is { } m)
            spec = spec with { Menu = spec.Menu with { Methods = m.Split(',') } };
        try
        {
            string last = "";
            CompilationResult r = Compilation.Run(
                new CompilationRequest(args[0], spec, args[2]),
                new P(p =>
                {
                    if (p.Stage != last)
                    {
                        last = p.Stage;
                        Console.Error.WriteLine($"{DateTime.Now:HH:mm:ss.f} {p.Stage}");
                    }
                }),
                default
            );
            ConsoleSummary.Write(AnsiConsole.Console, r.Report);
            foreach (var s in r.Report.Stages)
                Console.WriteLine($"{s.Stage} {s.Seconds:F1}");
            return 0;
        }
        catch (LorqException e)
        {
            Console.Error.WriteLine(e.ToCanonical());
            return 1;
        }
    }

    private sealed class P(Action<StageProgress> a) : IProgress<StageProgress>
    {
        public void Report(StageProgress value) => a(value);
    }
}
