using Lorq.Benchmarks.Judges;

namespace Lorq.Benchmarks;

/// <summary>Where models, results and outputs are.</summary>
internal static class Folders
{
    /// <summary>The repository.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The folder with the real models, or null.</summary>
    public static string? Shared()
    {
        string path = Path.GetFullPath(Path.Combine(Root, "..", "shared", "models"));
        return Directory.Exists(path) ? path : null;
    }

    /// <summary>The judge for a model.</summary>
    public static IJudge Judge(string shared, string model) =>
        model switch
        {
            "minilm" => new SentenceJudge(Path.Combine(shared, model)),
            "pygpt" => new PerplexityJudge(Path.Combine(shared, model)),
            _ => new RecognizerJudge(Path.Combine(shared, model)),
        };

    /// <summary>Writes a page of results.</summary>
    public static void WriteResult(string name, string text)
    {
        string folder = Path.Combine(Root, "docs", "results");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, name), text);
        Console.WriteLine($"Written to docs/results/{name}.");
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
        throw new InvalidOperationException("Compiler.sln was not found above " + AppContext.BaseDirectory);
    }
}
