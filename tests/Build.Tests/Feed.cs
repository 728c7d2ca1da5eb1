using System.Diagnostics;

namespace Lorq.Build.Tests;

/// <summary>The packages, packed once into a local feed, and a packages folder that is not the user's.</summary>
public sealed class Feed : IDisposable
{
    /// <summary>A version of its own: nothing can come from an earlier run.</summary>
    public const string Version = "0.1.0-test";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    public Feed()
    {
        Root = Directory.CreateTempSubdirectory("lorq-build-").FullName;
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        foreach (string project in new[] { "src/Runtime/Runtime.csproj", "build/Lorq.Build.csproj", "templates/Lorq.Templates.csproj" })
        {
            Run(
                    Repository,
                    "pack",
                    Path.Combine(Repository, project),
                    "--no-build",
                    "-c",
                    configuration,
                    "-o",
                    Path.Combine(Root, "feed"),
                    $"-p:PackageVersion={Version}"
                )
                .RequireSuccess();
        }
        File.WriteAllText(
            Path.Combine(Root, "nuget.config"),
            $"""
            <configuration>
              <packageSources><clear /><add key="local" value="feed" /></packageSources>
              <fallbackPackageFolders><clear /><add key="user" value="{UserPackages}" /></fallbackPackageFolders>
            </configuration>
            """
        );
        // The repository's own settings must not reach the samples, wherever the temporary folder is.
        File.WriteAllText(Path.Combine(Root, "Directory.Build.props"), "<Project />");
        File.WriteAllText(Path.Combine(Root, "Directory.Build.targets"), "<Project />");
        File.WriteAllText(Path.Combine(Root, "Directory.Packages.props"), "<Project />");
    }

    /// <summary>The folder for feed and samples.</summary>
    public string Root { get; }

    /// <summary>The compiler that samples run.</summary>
    public static string Compiler => Path.Combine(AppContext.BaseDirectory, "lorq.dll");

    /// <summary>Runs dotnet.</summary>
    public BuildResult Run(string folder, params string[] arguments)
    {
        using Process process = Start(folder, arguments);
        return Finish(process, "dotnet " + string.Join(' ', arguments));
    }

    /// <summary>Runs a program that needs no .NET on the machine.</summary>
    public static BuildResult Execute(string program)
    {
        using Process process = Process.Start(
            new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        return Finish(process, program);
    }

    private static BuildResult Finish(Process process, string command)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{command} did not end within {Limit.TotalMinutes} minutes.");
        }
        return new BuildResult(process.ExitCode, output.Result + error.Result);
    }

    /// <summary>Starts dotnet, without build servers that would outlive the test.</summary>
    public Process Start(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Array.ForEach(arguments, start.ArgumentList.Add);
        start.Environment["NUGET_PACKAGES"] = folder == Repository ? UserPackages : Path.Combine(Root, "packages");
        start.Environment["DOTNET_CLI_HOME"] = Path.Combine(Root, "home");
        start.Environment["DOTNET_ADD_GLOBAL_TOOLS_TO_PATH"] = "false";
        start.Environment["DOTNET_GENERATE_ASPNET_CERTIFICATE"] = "false";
        start.Environment["LORQ_CACHE"] = Path.Combine(Root, "cache");
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["MSBUILDTERMINALLOGGER"] = "off";
        return Process.Start(start)!;
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Root, recursive: true);
        }
        catch (IOException)
        {
            // A virus scanner or an indexer may hold a file; the system clears its folder for temporary files.
        }
    }

    private static string UserPackages =>
        Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } folder
            ? folder
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private static string Repository { get; } = FindRepository();

    private static string FindRepository()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Compiler.sln")))
        {
            folder = folder.Parent;
        }
        return folder.FullName;
    }
}

/// <summary>What dotnet said.</summary>
public sealed record BuildResult(int Code, string Output)
{
    public BuildResult RequireSuccess()
    {
        Assert.True(Code == 0, Output);
        return this;
    }

    /// <summary>How often a model was compressed.</summary>
    public int Compressions => Output.Split(": compressing").Length - 1;
}

[CollectionDefinition(nameof(Feed))]
public sealed class UsesFeed : ICollectionFixture<Feed>;
