using System.Globalization;
using Lorq.Diagnostics;
using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>The external_data entries of a tensor: a file beside the model, and a range in it.</summary>
/// <param name="Location">Path relative to the model's folder.</param>
/// <param name="Offset">First byte.</param>
/// <param name="Length">Number of bytes; null when not stated.</param>
internal sealed record ExternalLocation(string Location, long Offset, long? Length)
{
    private const int MaximumLinks = 40;

    /// <summary>True when the tensor says that its data is external.</summary>
    public static bool IsExternal(TensorProto tensor) => tensor.DataLocation == TensorProto.Types.DataLocation.External;

    /// <summary>Reads the entries.</summary>
    /// <exception cref="LorqException">Offset or length is not a number of bytes.</exception>
    public static ExternalLocation Read(TensorProto tensor, string path, string label)
    {
        string location = "";
        string offset = "0";
        string? length = null;
        foreach (StringStringEntryProto entry in tensor.ExternalData)
        {
            switch (entry.Key)
            {
                case "location":
                    location = entry.Value;
                    break;
                case "offset":
                    offset = entry.Value;
                    break;
                case "length":
                    length = entry.Value;
                    break;
                default:
                    break;
            }
        }
        return new(location, Bytes("offset", offset), length is null ? null : Bytes("length", length));

        long Bytes(string key, string text) =>
            long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
                ? value
                : throw Catalogue.ExternalDataEntry.With(path, label, key, text);
    }

    /// <summary>Writes the entries and marks the tensor external. Other entries (a checksum of the old file) no longer hold and go.</summary>
    public void Write(TensorProto tensor)
    {
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
        tensor.ExternalData.Clear();
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = Location });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = Offset.ToString(CultureInfo.InvariantCulture) });
        if (Length is { } length)
        {
            tensor.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = length.ToString(CultureInfo.InvariantCulture) });
        }
    }

    /// <summary>The file, made sure to lie inside the model's folder after all links.</summary>
    /// <exception cref="LorqException">It lies outside.</exception>
    public string Resolve(string modelPath, string label)
    {
        if (Location.Length == 0 || Location.Contains('\0', StringComparison.Ordinal))
        {
            throw Catalogue.ExternalDataMissing.With(
                modelPath,
                label,
                Location.Replace("\0", "\\0", StringComparison.Ordinal),
                "that is no file name."
            );
        }
        string folder = Path.GetDirectoryName(Path.GetFullPath(modelPath))!;
        string file = Path.GetFullPath(Path.Combine(folder, Location));
        if (Path.IsPathRooted(Location) || !IsInside(file, folder))
        {
            throw Catalogue.ExternalDataEscapes.With(modelPath, label, Location, "");
        }
        string? real = FollowLinks(file);
        if (real is null || !IsInside(real, FollowLinks(folder) ?? folder))
        {
            throw Catalogue.ExternalDataEscapes.With(modelPath, label, Location, ": a symbolic link leads out of it");
        }
        return file;
    }

    private static bool IsInside(string file, string folder) =>
        file.StartsWith(Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    /// <summary>The path with every symbolic link on it resolved; null when they go in circles.</summary>
    private static string? FollowLinks(string path)
    {
        string root = Path.GetPathRoot(path)!;
        var rest = new Stack<string>(Parts(path, root).Reverse());
        string resolved = root;
        int links = 0;
        while (rest.TryPop(out string? part))
        {
            string next = Path.Combine(resolved, part);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                resolved = next;
                continue;
            }
            if (++links > MaximumLinks)
            {
                return null;
            }
            string full = Path.GetFullPath(Path.Combine(resolved, target));
            root = Path.GetPathRoot(full)!;
            resolved = root;
            foreach (string linked in Parts(full, root).Reverse())
            {
                rest.Push(linked);
            }
        }
        return resolved;
    }

    private static string[] Parts(string path, string root) =>
        path[root.Length..].Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);
}
