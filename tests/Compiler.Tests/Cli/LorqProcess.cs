using System.Diagnostics;

namespace Lorq.Tests.Cli;

/// <summary>The tool as users run it: a process of its own.</summary>
internal static class LorqProcess
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    /// <summary>Runs to the end.</summary>
    public static (int Code, string Output, string Error) Run(params string[] arguments) => Run([], arguments);

    /// <summary>Runs to the end with some environment variables set.</summary>
    public static (int Code, string Output, string Error) Run((string Name, string Value)[] variables, string[] arguments)
    {
        using Process process = Start(null, arguments, variables);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill();
            throw new TimeoutException($"lorq {string.Join(' ', arguments)} did not end within {Limit.TotalSeconds} s.");
        }
        return (process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Starts with both outputs redirected.</summary>
    public static Process Start(params string[] arguments) => Start(null, arguments);

    /// <summary>Starts with a folder of its own for temporary files; null for the usual one.</summary>
    public static Process Start(DirectoryInfo? temporary, string[] arguments, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "lorq.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }
        if (temporary is not null)
        {
            start.Environment["TMPDIR"] = temporary.FullName;
        }
        foreach ((string name, string value) in variables)
        {
            start.Environment[name] = value;
        }
        return Process.Start(start)!;
    }
}
