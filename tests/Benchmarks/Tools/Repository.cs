namespace Lorq.Benchmarks.Tools;

/// <summary>Places in the repository.</summary>
internal static class Repository
{
    /// <summary>The folder with <c>Compiler.sln</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The built <c>lorq</c>, of the configuration that this program was built in.</summary>
    public static string Lorq { get; } =
        Path.Combine(
            Root,
            "src/Compiler/bin",
            new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name,
            "net10.0",
            OperatingSystem.IsWindows() ? "lorq.exe" : "lorq"
        );

    private static string FindRoot()
    {
        for (var d = new DirectoryInfo(AppContext.BaseDirectory); d is not null; d = d.Parent)
        {
            if (File.Exists(Path.Combine(d.FullName, "Compiler.sln")))
            {
                return d.FullName;
            }
        }
        throw new InvalidOperationException($"Compiler.sln was not found above '{AppContext.BaseDirectory}'.");
    }
}
