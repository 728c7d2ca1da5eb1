using System.Diagnostics;

namespace Lorq.Benchmarks;

/// <summary>A run of the built <c>lorq</c> as a child process, with its wall time and peak memory.</summary>
internal sealed record LorqProcess(string Output, int ExitCode, TimeSpan Elapsed, long PeakBytes)
{
    /// <summary>Runs <c>lorq</c> with the given arguments.</summary>
    public static LorqProcess Run(params string[] arguments)
    {
        string tool = Path.Combine(AppContext.BaseDirectory, "lorq.dll");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(tool);
        foreach (string a in arguments)
        {
            start.ArgumentList.Add(a);
        }
        var watch = Stopwatch.StartNew();
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        long peak = 0;
        while (!process.WaitForExit(200))
        {
            process.Refresh();
            peak = Math.Max(peak, Peak(process.Id));
        }
        return new LorqProcess(output.Result + errors.Result, process.ExitCode, watch.Elapsed, peak);
    }

    /// <summary>Peak resident memory; Linux keeps it as VmHWM.</summary>
    private static long Peak(int pid)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{pid}/status").FirstOrDefault(l => l.StartsWith("VmHWM", StringComparison.Ordinal));
            return line is null ? 0 : 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
