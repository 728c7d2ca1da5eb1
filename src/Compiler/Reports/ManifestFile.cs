using System.Security.Cryptography;

namespace Lorq.Reports;

/// <summary>A model file, or a data file beside it, as its manifest knows it.</summary>
/// <param name="File">File name without folder; of external data, the location relative to the model.</param>
/// <param name="Sha256">SHA-256 of the content, in lower-case hexadecimal.</param>
/// <param name="Bytes">Its size, without external data.</param>
/// <param name="ExternalData">The data files it refers to, in order of their names; empty for most models.</param>
public sealed record ManifestFile(string File, string Sha256, long Bytes, IReadOnlyList<ManifestFile> ExternalData)
{
    /// <summary>Reads and hashes a model and its data files.</summary>
    /// <param name="path">The model file.</param>
    /// <param name="externalLocations">Locations of its data files, relative to its folder.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static ManifestFile Of(string path, IEnumerable<string> externalLocations, CancellationToken cancellationToken = default)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        ManifestFile[] external =
        [
            .. externalLocations
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal)
                .Select(l => One(Path.Combine(folder, l), l.Replace('\\', '/'), cancellationToken)),
        ];
        return One(path, Path.GetFileName(path), cancellationToken) with { ExternalData = external };
    }

    private static ManifestFile One(string path, string name, CancellationToken cancellationToken)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        long bytes = 0;
        for (int read; (read = stream.Read(buffer)) > 0; bytes += read)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, read);
        }
        return new(name, Convert.ToHexStringLower(hash.GetHashAndReset()), bytes, []);
    }
}
