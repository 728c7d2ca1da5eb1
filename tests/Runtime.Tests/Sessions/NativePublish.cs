using System.Diagnostics;

namespace Lorq.Runtime.Tests.Sessions;

/// <summary>Publishes projects by the AOT compiler and runs what comes out. Kept between runs beside the test's own output, so that only changes are compiled again.</summary>
internal static class NativePublish
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    /// <summary>Publishes a project; skips the test where the machine lacks what linking needs. Fails on any warning.</summary>
    /// <returns>The folder of the published files.</returns>
    public static string Project(string path)
    {
        Skip.If(OperatingSystem.IsWindows(), "Publishing is tested where cc or clang links.");
        Skip.If(Find("clang") is null && Find("gcc") is null, "Neither clang nor gcc is installed: nothing links AOT output.");
        string root = Root();
        string artifacts = Path.Combine(AppContext.BaseDirectory, "aot");
        string output = Path.Combine(artifacts, Path.GetFileName(path));
        // Folders of its own: the assemblies that the tests run from must not change under them.
        (int code, string log) = Run(
            Dotnet,
            "publish",
            Path.Combine(root, path),
            "-c",
            "Release",
            "-p:PublishAot=true",
            "-p:SelfContained=true",
            "-p:CSharpier_Bypass=true",
            "--artifacts-path",
            artifacts,
            "-o",
            output
        );
        Skip.If(
            code != 0 && (log.Contains("NU1101", StringComparison.Ordinal) || log.Contains("NU1301", StringComparison.Ordinal)),
            "The AOT compiler's package could not be restored."
        );
        Assert.True(code == 0, log);
        Assert.DoesNotContain(": warning ", log, StringComparison.Ordinal);
        return output;
    }

    /// <summary>The .NET host that runs the tests.</summary>
    public static string Dotnet =>
        Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet";

    /// <summary>Runs a program to its end.</summary>
    public static (int Code, string Log) Run(string program, params string[] arguments) => Run(program, null, arguments);

    /// <summary>Runs a program to its end with a switch of .NET's off.</summary>
    public static (int Code, string Log) Run(string program, string? off, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        // What `dotnet test` sets for itself would steer the build that is started here.
        foreach (string name in start.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(name);
        }
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        if (off is not null)
        {
            start.Environment[off] = "0";
        }
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not end within {Limit}.");
        }
        return (process.ExitCode, output.Result + error.Result);
    }

    /// <summary>A program on the path, or null.</summary>
    public static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);

    /// <summary>The checkout's root.</summary>
    public static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Compiler.sln")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName ?? throw new InvalidOperationException("Compiler.sln not found above " + AppContext.BaseDirectory);
    }
}
