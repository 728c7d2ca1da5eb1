using Lorq.Diagnostics;
using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>Reads the data of a tensor as little-endian raw bytes, checked against its dimensions and type.</summary>
internal static class TensorBytes
{
    /// <summary>Bytes a tensor takes as raw data.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="path">The file it is from, for errors.</param>
    /// <exception cref="LorqException">Its elements have no fixed size, or its dimensions are impossible.</exception>
    public static long Count(TensorProto tensor, string path) =>
        TensorLayout.ByteCount(tensor, TensorLayout.ElementCount(tensor, path, () => Label(tensor)))
        ?? throw Catalogue.UnsupportedStorage.With(
            path,
            Label(tensor),
            $"is of type {TensorLayout.ElementType(tensor)}, whose elements have no fixed size"
        );

    /// <summary>Data that stands in the message itself, as raw_data or in a typed field.</summary>
    /// <exception cref="LorqException">As <see cref="Count"/>, or the data does not fit.</exception>
    public static ReadOnlyMemory<byte> ReadInline(TensorProto tensor, string path)
    {
        long needed = Count(tensor, path);
        if (tensor.HasRawData)
        {
            return tensor.RawData.Length == needed
                ? tensor.RawData.Memory
                : throw Mismatch(tensor, path, $"{needed} bytes", $"{tensor.RawData.Length}");
        }
        // The field has been parsed, so its size is real: nothing is allocated for dimensions that only claim to be large.
        (string field, long entries, long held) = TensorFields
            .Count(tensor, TensorLayout.ElementCount(tensor, path, () => Label(tensor)))!
            .Value;
        if (entries != held)
        {
            throw Mismatch(tensor, path, $"{entries} entries of {field}", $"{held}");
        }
        RequireOneArray(tensor, needed, path);
        return TensorFields.ToRaw(tensor, (int)needed);
    }

    /// <summary>Data that stands outside of the message; not copied.</summary>
    /// <exception cref="LorqException">As <see cref="Count"/>, the data does not fit, or it is over 2 GB.</exception>
    public static ReadOnlyMemory<byte> Read(TensorProto tensor, Payload payload, string path)
    {
        long needed = Count(tensor, path);
        if (payload.Length != needed)
        {
            throw Mismatch(tensor, path, $"{needed} bytes", $"{payload.Length}");
        }
        RequireOneArray(tensor, needed, path);
        return payload.Bytes;
    }

    /// <summary>What messages call a tensor that is not seen in its place.</summary>
    public static string Label(TensorProto tensor) => tensor.Name.Length > 0 ? $"the tensor '{tensor.Name}'" : "an unnamed tensor";

    private static void RequireOneArray(TensorProto tensor, long needed, string path)
    {
        if (needed > Array.MaxLength)
        {
            throw Catalogue.TensorTooLarge.With(path, Label(tensor), needed, Array.MaxLength);
        }
    }

    private static LorqException Mismatch(TensorProto tensor, string path, string needed, string held) =>
        Catalogue.PayloadMismatch.With(
            path,
            Label(tensor),
            TensorLayout.Describe(tensor.Dims),
            TensorLayout.ElementType(tensor),
            needed,
            held
        );
}
