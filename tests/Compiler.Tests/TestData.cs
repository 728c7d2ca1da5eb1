namespace Lorq.Tests;

/// <summary>Where real models and data are; tests that need them skip with a message when they are absent.</summary>
internal static class TestData
{
    /// <summary>The folder <c>shared</c> beside the checkout, or null.</summary>
    public static string? Shared { get; } = Find("shared");

    /// <summary>The checkout's root (the folder with Compiler.sln).</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A path below <c>shared</c> (null when absent).</summary>
    public static string? SharedPath(params string[] parts)
    {
        if (Shared is null)
        {
            return null;
        }
        string path = Path.Combine([Shared, .. parts]);
        return File.Exists(path) || Directory.Exists(path) ? path : null;
    }

    private static string FindRoot()
    {
        for (var d = new DirectoryInfo(AppContext.BaseDirectory); d is not null; d = d.Parent)
        {
            if (File.Exists(Path.Combine(d.FullName, "Compiler.sln")))
            {
                return d.FullName;
            }
        }
        throw new InvalidOperationException("Compiler.sln not found above " + AppContext.BaseDirectory);
    }

    private static string? Find(string name)
    {
        for (var d = new DirectoryInfo(AppContext.BaseDirectory); d is not null; d = d.Parent)
        {
            if (File.Exists(Path.Combine(d.FullName, "Compiler.sln")))
            {
                string path = Path.Combine(d.FullName, "..", name);
                return Directory.Exists(path) ? Path.GetFullPath(path) : null;
            }
        }
        return null;
    }
}
