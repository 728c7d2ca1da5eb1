using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Lorq.Benchmarks.Tools;

/// <summary>One run of a program as a child process: what it took, and what it said.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">What it wrote to standard output.</param>
/// <param name="Errors">What it wrote to standard error.</param>
/// <param name="Elapsed">Wall time from start to exit.</param>
/// <param name="PeakBytes">Largest resident memory; 0 where the system does not tell.</param>
internal sealed record MeasuredProcess(int ExitCode, string Output, string Errors, TimeSpan Elapsed, long PeakBytes)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Runs the built <c>lorq</c>, as a user runs it; cancelling ends it.</summary>
    public static Task<MeasuredProcess> Lorq(IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        Run(Repository.Lorq, arguments, cancellationToken);

    /// <summary>Runs this program anew, with other arguments; cancelling ends it.</summary>
    public static Task<MeasuredProcess> Own(IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        Run(
            Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Benchmarks.exe" : "Benchmarks"),
            arguments,
            cancellationToken
        );

    private static async Task<MeasuredProcess> Run(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repository.Root,
        };
        // An executable finds a runtime that is not installed system-wide by this variable only.
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        long begin = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        Task<string> errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        long peak = 0;
        try
        {
            while (!process.HasExited)
            {
                peak = Math.Max(peak, Peak(process));
                await Task.WhenAny(process.WaitForExitAsync(CancellationToken.None), Task.Delay(PollInterval, cancellationToken));
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        TimeSpan elapsed = Stopwatch.GetElapsedTime(begin);
        return new MeasuredProcess(process.ExitCode, await output, await errors, elapsed, peak);
    }

    /// <summary>The high-water mark so far: what grows after the last poll before the exit, 50 ms at most, is not seen.</summary>
    private static long Peak(Process process)
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                string? line = File.ReadLines($"/proc/{process.Id}/status")
                    .FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
                return line is null
                    ? 0
                    : 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
            }
            process.Refresh();
            return process.PeakWorkingSet64;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // It exited in between.
            return 0;
        }
    }
}
