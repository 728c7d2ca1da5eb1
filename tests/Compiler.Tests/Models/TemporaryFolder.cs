namespace Lorq.Tests.Models;

/// <summary>A folder of one test, deleted at its end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("lorq-test-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Names of everything in the folder, sorted: what a failed save left behind.</summary>
    public string[] Names() => [.. new DirectoryInfo(Path).GetFileSystemInfos().Select(f => f.Name).Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
