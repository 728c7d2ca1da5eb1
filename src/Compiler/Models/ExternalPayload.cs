using System.Globalization;
using Lorq.Diagnostics;
using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>Finds the bytes that a tensor keeps in a file beside the model. The file must lie in the model's folder.</summary>
internal static class ExternalPayload
{
    /// <summary>The file a tensor refers to, as a full path.</summary>
    public static string PathOf(TensorProto tensor, string folder)
    {
        string location = Entry(tensor, "location") ?? throw Catalogue.ExternalData.With(tensor.Name, "no location is stated");
        if (location.Length == 0 || Path.IsPathRooted(location) || location.Contains('\0', StringComparison.Ordinal))
        {
            throw Catalogue.ExternalData.With(tensor.Name, $"its location '{location}' is not a relative path");
        }
        string root = Path.GetFullPath(folder);
        string path = Path.GetFullPath(Path.Combine(root, location));
        if (!IsInside(path, root))
        {
            throw Catalogue.ExternalData.With(tensor.Name, $"its location '{location}' leads out of the model's folder");
        }
        var info = new FileInfo(path);
        if (!info.Exists)
        {
            throw Catalogue.ExternalData.With(tensor.Name, $"the file '{location}' does not exist");
        }
        // A link may point anywhere; its target has to lie in the folder too.
        FileSystemInfo? target = info.ResolveLinkTarget(returnFinalTarget: true);
        if (target is not null && !IsInside(target.FullName, root))
        {
            throw Catalogue.ExternalData.With(tensor.Name, $"'{location}' is a link out of the model's folder");
        }
        return path;
    }

    /// <summary>The bytes, checked against the tensor's dimensions and the file's length.</summary>
    public static ReadOnlyMemory<byte> Read(TensorProto tensor, string folder, PayloadStore store)
    {
        MappedFile file = store.Map(PathOf(tensor, folder));
        long offset = Number(tensor, "offset") ?? 0;
        long length = Number(tensor, "length") ?? TensorFormat.RawBytes(tensor);
        if (offset < 0 || length < 0 || offset > file.Length || length > file.Length - offset)
        {
            throw Catalogue.ExternalData.With(
                tensor.Name,
                $"bytes {offset} to {offset}+{length} lie outside '{Entry(tensor, "location")}', which has {file.Length}"
            );
        }
        TensorFormat.RequireLength(tensor, length);
        if (length > int.MaxValue)
        {
            throw Catalogue.MalformedTensor.With(tensor.Name, "it is larger than 2 GB");
        }
        return file.Slice(offset, (int)length);
    }

    private static long? Number(TensorProto tensor, string key)
    {
        string? text = Entry(tensor, key);
        return text is null ? null
            : long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out long value) ? value
            : throw Catalogue.ExternalData.With(tensor.Name, $"its {key} '{text}' is not a number");
    }

    private static string? Entry(TensorProto tensor, string key) => tensor.ExternalData.FirstOrDefault(e => e.Key == key)?.Value;

    private static bool IsInside(string path, string root) =>
        path.StartsWith(root.EndsWith(Path.DirectorySeparatorChar) ? root : root + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
