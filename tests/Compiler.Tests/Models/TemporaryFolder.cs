using Lorq.Tests.Reports;

namespace Lorq.Tests.Models;

/// <summary>A folder of one test, deleted at its end; every manifest that the test has left there must follow the schema.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("lorq-test-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Names of everything in the folder, sorted: what a failed save left behind.</summary>
    public string[] Names() => [.. new DirectoryInfo(Path).GetFileSystemInfos().Select(f => f.Name).Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        string[] manifests = [.. Directory.GetFiles(Path, "*.lorq.json", SearchOption.AllDirectories).Select(System.IO.File.ReadAllText)];
        Directory.Delete(Path, recursive: true);
        Assert.All(manifests, m => Assert.Equal([], SchemaValidation.ManifestErrors(m)));
    }
}
