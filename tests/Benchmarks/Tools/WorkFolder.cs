namespace Lorq.Benchmarks.Tools;

/// <summary>Where compressed files go: a temporary folder that is removed at the end, or a folder the user wants to keep.</summary>
internal sealed class WorkFolder : IDisposable
{
    private readonly string path;
    private readonly bool isTemporary;

    /// <summary>A folder to keep, or a temporary one when null.</summary>
    public WorkFolder(string? keep)
    {
        isTemporary = keep is null;
        path = keep is null ? Directory.CreateTempSubdirectory("lorq-benchmarks-").FullName : Path.GetFullPath(keep);
        Directory.CreateDirectory(path);
    }

    /// <summary>A folder inside, for one compressed model.</summary>
    public string For(string name) => Directory.CreateDirectory(Path.Combine(path, name)).FullName;

    /// <inheritdoc />
    public void Dispose()
    {
        if (isTemporary)
        {
            Directory.Delete(path, recursive: true);
        }
    }
}
