using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Lorq.Models;

/// <summary>
/// The payloads of one model by number. In the protobuf a tensor's raw_data then holds a placeholder, a fixed mark and the
/// number, so that references survive copying, moving and merging of messages. Numbers are unique in a family of clones:
/// a tensor taken from a clone that was made later is recognized as foreign instead of giving another tensor's bytes.
/// Safe for concurrent use.
/// </summary>
internal sealed class PayloadTable
{
    /// <summary>raw_data up to this many bytes stays in the protobuf.</summary>
    public const int Threshold = 1024;

    private const int PlaceholderSize = 24;

    private readonly Dictionary<long, Payload> payloads;
    private readonly StrongBox<long> last;

    /// <summary>An empty table.</summary>
    public PayloadTable()
        : this([], new StrongBox<long>()) { }

    private PayloadTable(Dictionary<long, Payload> payloads, StrongBox<long> last)
    {
        this.payloads = payloads;
        this.last = last;
    }

    private static ReadOnlySpan<byte> Mark => "Lorq payload ref"u8;

    /// <summary>True for bytes that would be mistaken for a placeholder, so they must become a payload whatever their size.</summary>
    public static bool LooksLikePlaceholder(ReadOnlySpan<byte> rawData) => rawData.StartsWith(Mark);

    /// <summary>Registers a payload and returns its placeholder.</summary>
    public byte[] Add(Payload payload)
    {
        long number = Interlocked.Increment(ref last.Value);
        lock (payloads)
        {
            payloads.Add(number, payload);
        }
        var placeholder = new byte[PlaceholderSize];
        Mark.CopyTo(placeholder);
        BinaryPrimitives.WriteInt64LittleEndian(placeholder.AsSpan(Mark.Length), number);
        return placeholder;
    }

    /// <summary>The payload that raw_data refers to; null when raw_data is the data itself.</summary>
    /// <exception cref="InvalidOperationException">The placeholder is another model's.</exception>
    public Payload? Find(ReadOnlySpan<byte> rawData)
    {
        if (rawData.Length != PlaceholderSize || !LooksLikePlaceholder(rawData))
        {
            return null;
        }
        long number = BinaryPrimitives.ReadInt64LittleEndian(rawData[Mark.Length..]);
        lock (payloads)
        {
            return payloads.TryGetValue(number, out Payload? payload)
                ? payload
                : throw new InvalidOperationException("The tensor's payload belongs to another model; read it there and attach it here.");
        }
    }

    /// <summary>The payload of a tensor; null when its data is in the protobuf.</summary>
    public Payload? Find(Onnx.TensorProto tensor) => tensor.HasRawData ? Find(tensor.RawData.Span) : null;

    /// <summary>A table with the same payloads that then grows on its own.</summary>
    public PayloadTable Clone()
    {
        lock (payloads)
        {
            return new PayloadTable(new Dictionary<long, Payload>(payloads), last);
        }
    }
}
