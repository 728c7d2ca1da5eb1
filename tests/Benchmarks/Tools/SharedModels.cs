using Lorq.Benchmarks.Judges;

namespace Lorq.Benchmarks.Tools;

/// <summary>The real models in <c>../shared/models</c> beside the repository, each with its judge.</summary>
internal sealed class SharedModels
{
    private readonly IJudge[] judges;

    private SharedModels(string folder)
    {
        Folder = folder;
        judges =
        [
            new SentenceJudge(Path.Combine(folder, "minilm")),
            new PerplexityJudge(Path.Combine(folder, "pygpt")),
            new RecognizerJudge(Path.Combine(folder, "ppocr")),
        ];
    }

    /// <summary>Short names, as on the command line.</summary>
    public static IReadOnlyList<string> Names { get; } = ["minilm", "pygpt", "ppocr"];

    /// <summary>The folder with the models.</summary>
    public string Folder { get; }

    /// <summary>The models, or null where they are absent.</summary>
    public static SharedModels? Find()
    {
        string folder = Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared", "models"));
        return Names.All(n => Directory.Exists(Path.Combine(folder, n))) ? new SharedModels(folder) : null;
    }

    /// <summary>The judge of a model.</summary>
    public IJudge Judge(string name) => judges.Single(j => j.Name == name);

    /// <summary>All judges, or the named one.</summary>
    public IReadOnlyList<IJudge> Judges(string? only) => [.. judges.Where(j => only is null || j.Name == only)];
}
