using System.IO.Compression;
using System.IO.Hashing;
using Lorq.Diagnostics;

namespace Lorq.Calibration;

/// <summary>Reads NumPy's .npz archives: a zip file, stored or deflated, of one .npy per array. Checksums are verified.</summary>
internal static class NpzReader
{
    /// <summary>What deflate can do at most: 258 bytes from two bits.</summary>
    private const long LargestRatio = 1032;

    /// <summary>Reads the arrays of an archive, each named after an input of the model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="inputs">The model's inputs; an array of another name is refused before it is read.</param>
    /// <exception cref="LorqException">LORQ0411: not a zip file, damaged, or its sizes are impossible; LORQ0412: an unknown name.</exception>
    public static Dictionary<string, DataTensor> Read(string path, IReadOnlyList<TensorSignature> inputs)
    {
        var arrays = new Dictionary<string, DataTensor>(StringComparer.Ordinal);
        try
        {
            using FileStream file = File.OpenRead(path);
            using var zip = new ZipArchive(file, ZipArchiveMode.Read);
            foreach (ZipArchiveEntry entry in zip.Entries)
            {
                string source = $"{path}:{entry.FullName}";
                if (!entry.FullName.EndsWith(".npy", StringComparison.Ordinal))
                {
                    throw Catalogue.MalformedData.With(path, $"it holds '{entry.FullName}', which is no .npy array");
                }
                string name = entry.FullName[..^".npy".Length];
                InputFit.RequireInput(name, inputs, path);
                if (entry.CompressedLength > file.Length || entry.Length > LargestRatio * (entry.CompressedLength + 1))
                {
                    throw Catalogue.MalformedData.With(source, $"its size of {entry.Length} bytes is impossible for the file");
                }
                var checksum = new Crc32();
                using Stream stream = entry.Open();
                DataTensor array = NpyReader.Read(stream, entry.Length, source, checksum);
                if (checksum.GetCurrentHashAsUInt32() != entry.Crc32)
                {
                    throw Catalogue.MalformedData.With(source, "its checksum is wrong");
                }
                if (!arrays.TryAdd(name, array))
                {
                    throw Catalogue.MalformedData.With(path, $"it holds '{entry.FullName}' twice");
                }
            }
        }
        catch (InvalidDataException e)
        {
            throw Catalogue.MalformedData.With(path, $"it is cut off or damaged, or no .npz archive ({e.Message.TrimEnd('.')})");
        }
        // ZipArchive reports other malformed fields by any of these.
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException or OverflowException)
        {
            throw Catalogue.MalformedData.With(path, e.Message.TrimEnd('.'));
        }
        return arrays;
    }
}
