using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Lorq.Calibration;
using Lorq.Models;

namespace Lorq.Caching;

/// <summary>
/// Builds a <see cref="Digest"/> from typed values. Every value is preceded by its type, and by its length where that varies, so that
/// different sequences of values are different sequences of bytes: nothing collides by concatenation. Not thread-safe.
/// </summary>
public sealed class ContentHash
{
    private const int Chunk = 1 << 20;

    private readonly XxHash128 hash = new();

    private enum Tag : byte
    {
        Integer = 1,
        Real,
        Text,
        Texts,
        Bytes,
        Singles,
        Doubles,
        Digest,
        Stream,
    }

    /// <summary>The digest of a model as it was loaded: its file and the external data files it refers to, byte by byte.</summary>
    /// <param name="model">The model; edits made since it was loaded do not count.</param>
    /// <param name="cancellationToken">Looked at once per megabyte.</param>
    public static Digest OfModel(OnnxModel model, CancellationToken cancellationToken = default)
    {
        var hash = new ContentHash().Add(model.Files.Count);
        foreach (MappedFile file in model.Files)
        {
            hash.Begin(Tag.Stream, file.Length);
            for (long at = 0; at < file.Length; at += Chunk)
            {
                cancellationToken.ThrowIfCancellationRequested();
                hash.hash.Append(file.Memory(at, (int)Math.Min(Chunk, file.Length - at)).Span);
            }
        }
        return hash.Finish();
    }

    /// <summary>The digest of data: names, element types, shapes and bytes of all batches in their order, not where they came from.</summary>
    /// <param name="data">The data.</param>
    /// <param name="cancellationToken">Looked at once per tensor.</param>
    public static Digest OfData(DataSet data, CancellationToken cancellationToken = default)
    {
        var hash = new ContentHash().Add(data.Batches.Count);
        foreach (IReadOnlyDictionary<string, DataTensor> batch in data.Batches)
        {
            hash.Add(batch.Count);
            // By name: the order in which a batch lists its inputs does not change what a model computes.
            foreach ((string name, DataTensor tensor) in batch.OrderBy(b => b.Key, StringComparer.Ordinal))
            {
                cancellationToken.ThrowIfCancellationRequested();
                hash.Add(name).Add((long)tensor.ElementType).Add(tensor.Shape.Length);
                foreach (long dimension in tensor.Shape)
                {
                    hash.Add(dimension);
                }
                hash.Add(tensor.Bytes);
            }
        }
        return hash.Finish();
    }

    /// <summary>Adds a whole number (any integer, a flag as 0 or 1, a member of an enumeration as its number).</summary>
    public ContentHash Add(long value)
    {
        Begin(Tag.Integer, value);
        return this;
    }

    /// <summary>Adds a number, bit by bit: 0 and −0 differ.</summary>
    public ContentHash Add(double value)
    {
        Begin(Tag.Real, BitConverter.DoubleToInt64Bits(value));
        return this;
    }

    /// <summary>Adds a text.</summary>
    public ContentHash Add(string value) => AddBytes(Tag.Text, Encoding.Unicode.GetBytes(value));

    /// <summary>Adds a list of texts.</summary>
    public ContentHash Add(IReadOnlyCollection<string> values)
    {
        Begin(Tag.Texts, values.Count);
        foreach (string value in values)
        {
            Add(value);
        }
        return this;
    }

    /// <summary>Adds bytes.</summary>
    public ContentHash Add(ReadOnlySpan<byte> value) => AddBytes(Tag.Bytes, value);

    /// <summary>Adds fp32 numbers, bit by bit.</summary>
    public ContentHash Add(ReadOnlySpan<float> value) => AddBytes(Tag.Singles, MemoryMarshal.AsBytes(value), value.Length);

    /// <summary>Adds fp64 numbers, bit by bit.</summary>
    public ContentHash Add(ReadOnlySpan<double> value) => AddBytes(Tag.Doubles, MemoryMarshal.AsBytes(value), value.Length);

    /// <summary>Adds another digest.</summary>
    public ContentHash Add(Digest value)
    {
        Begin(Tag.Digest, (long)(ulong)value.Value);
        return Add((long)(ulong)(value.Value >> 64));
    }

    /// <summary>The digest of everything added so far; more may be added afterwards.</summary>
    public Digest Finish() => new(hash.GetCurrentHashAsUInt128());

    private ContentHash AddBytes(Tag tag, ReadOnlySpan<byte> bytes) => AddBytes(tag, bytes, bytes.Length);

    private ContentHash AddBytes(Tag tag, ReadOnlySpan<byte> bytes, long count)
    {
        Begin(tag, count);
        hash.Append(bytes);
        return this;
    }

    private void Begin(Tag tag, long number)
    {
        Span<byte> bytes = stackalloc byte[1 + sizeof(long)];
        bytes[0] = (byte)tag;
        BinaryPrimitives.WriteInt64LittleEndian(bytes[1..], number);
        hash.Append(bytes);
    }
}
