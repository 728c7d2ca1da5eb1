using System.Diagnostics;

namespace Lorq.Benchmarks.Tools;

/// <summary>A machine that has the .NET SDK and nothing of this user's: its own packages, tool settings and cache, and a feed of packages.</summary>
/// <param name="root">An empty folder.</param>
internal sealed class Machine(string root)
{
    /// <summary>The folder that <c>examples/Ocr</c>, copied to <see cref="At"/> of the same path, takes packages from.</summary>
    public string Feed { get; } = Path.Combine(root, "out", "packages");

    /// <summary>The packages folder.</summary>
    public string Packages { get; } = Path.Combine(root, "packages");

    /// <summary>What compressions share.</summary>
    public string Cache { get; } = Path.Combine(root, "cache");

    /// <summary>A folder of it, made if need be.</summary>
    public string At(params string[] parts) => Directory.CreateDirectory(Path.Combine([root, .. parts])).FullName;

    /// <summary>True while .NET's build and compiler servers may outlive a command and help the next one, as they do for developers.</summary>
    public bool KeepsServers { get; private set; }

    /// <summary>Does something with servers, and ends them.</summary>
    public async Task WithServers(Func<Task> work, CancellationToken cancellationToken)
    {
        KeepsServers = true;
        try
        {
            await work();
        }
        finally
        {
            KeepsServers = false;
            await Dotnet(At(), cancellationToken, "build-server", "shutdown");
        }
    }

    /// <summary>Packs this checkout into the feed, which with nuget.org is all that restores look at.</summary>
    public async Task Prepare(CancellationToken cancellationToken)
    {
        await Run("bash", Repository.Root, ["build/pack", Feed, "platform", "-v", "quiet"], isolated: false, cancellationToken);
        await File.WriteAllTextAsync(
            Path.Combine(root, "nuget.config"),
            """
            <configuration>
              <packageSources>
                <clear />
                <add key="feed" value="out/packages" />
                <add key="nuget.org" value="https://api.nuget.org/v3/index.json" />
              </packageSources>
            </configuration>
            """,
            cancellationToken
        );
    }

    /// <summary>Runs dotnet.</summary>
    /// <returns>Its wall time.</returns>
    public Task<TimeSpan> Dotnet(string folder, CancellationToken cancellationToken, params string[] arguments) =>
        Run("dotnet", folder, arguments, isolated: true, cancellationToken);

    private async Task<TimeSpan> Run(
        string program,
        string folder,
        IEnumerable<string> arguments,
        bool isolated,
        CancellationToken cancellationToken
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in new[] { ("MSBUILDDISABLENODEREUSE", "1"), ("UseSharedCompilation", "false") })
        {
            // This process may have them from its own surroundings.
            start.Environment.Remove(name);
            if (!KeepsServers)
            {
                start.Environment.Add(name, value);
            }
        }
        start.Environment["MSBUILDTERMINALLOGGER"] = "off";
        if (isolated)
        {
            start.Environment["NUGET_PACKAGES"] = Packages;
            start.Environment["DOTNET_CLI_HOME"] = At("home");
            start.Environment["DOTNET_ADD_GLOBAL_TOOLS_TO_PATH"] = "false";
            start.Environment["DOTNET_GENERATE_ASPNET_CERTIFICATE"] = "false";
            start.Environment["LORQ_CACHE"] = Cache;
        }
        long begin = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        Task<string> errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        TimeSpan elapsed = Stopwatch.GetElapsedTime(begin);
        return process.ExitCode == 0
            ? elapsed
            : throw new BenchmarkException($"{program} {string.Join(' ', start.ArgumentList)} failed:\n{await output}{await errors}");
    }
}
