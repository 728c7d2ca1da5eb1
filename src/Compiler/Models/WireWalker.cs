namespace Lorq.Models;

/// <summary>Decides what stands in place of a tensor's raw_data.</summary>
/// <param name="content">The bytes of the field.</param>
/// <param name="offset">Where they start in the walked message.</param>
/// <returns>The replacement, or null to leave the field as it is.</returns>
internal delegate Payload? PayloadReplacement(ReadOnlySpan<byte> content, int offset);

/// <summary>One change to an encoded message: at <paramref name="Position"/>, <paramref name="Removed"/> bytes give way to the varint <paramref name="Length"/> and <paramref name="Content"/>.</summary>
internal readonly record struct WireEdit(int Position, int Removed, long Length, Payload? Content);

/// <summary>The bytes are not a protobuf message.</summary>
internal sealed class WireFormatException(string reason, int offset, bool tooDeep = false) : Exception(reason)
{
    /// <summary>Where the error was noticed.</summary>
    public int Offset { get; } = offset;

    /// <summary>The bytes may be right, but nest beyond <see cref="WireWalker.MaximumDepth"/>.</summary>
    public bool TooDeep { get; } = tooDeep;
}

/// <summary>
/// Walks the wire format of an ONNX model and replaces the raw_data of tensors, wherever they stand, without building objects:
/// on loading large data gives way to placeholders, on saving placeholders to data. Everything else, known or not, stays as it is.
/// The result is a list of edits, with the lengths of all enclosing messages corrected.
/// Memory is bounded by the number of messages, never by a length that the bytes claim.
/// </summary>
internal sealed class WireWalker(PayloadReplacement replace, CancellationToken cancellationToken)
{
    /// <summary>Nesting limit, the one that Google.Protobuf has too.</summary>
    public const int MaximumDepth = 100;

    private readonly List<WireEdit> edits = [];

    private enum Message
    {
        None,
        Model,
        Training,
        Graph,
        Node,
        Attribute,
        Tensor,
        SparseTensor,
        Function,
    }

    /// <summary>The changes, in ascending order of position.</summary>
    public IReadOnlyList<WireEdit> Edits => edits;

    /// <summary>True once a field has been met that ModelProto has, of its wire type: the bytes probably are a model.</summary>
    public bool MetModelField { get; private set; }

    /// <summary>Walks an encoded ModelProto.</summary>
    /// <returns>The length of the message after the edits.</returns>
    /// <exception cref="WireFormatException">The bytes are no protobuf message, or nest too deeply.</exception>
    public long WalkModel(ReadOnlySpan<byte> data) => data.Length + Walk(data, 0, data.Length, Message.Model, 0);

    /// <summary>Writes the message with the edits.</summary>
    public static void Apply(ReadOnlySpan<byte> data, IReadOnlyList<WireEdit> edits, Stream output, CancellationToken cancellationToken)
    {
        Span<byte> varint = stackalloc byte[10];
        int position = 0;
        foreach (WireEdit edit in edits)
        {
            output.Write(data[position..edit.Position]);
            output.Write(varint[..Varint.Write(varint, (ulong)edit.Length)]);
            edit.Content?.CopyTo(output, cancellationToken);
            position = edit.Position + edit.Removed;
        }
        output.Write(data[position..]);
    }

    /// <summary>Walks one message and returns by how many bytes it grows.</summary>
    private long Walk(ReadOnlySpan<byte> data, int position, int end, Message message, int depth)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (depth > MaximumDepth)
        {
            throw new WireFormatException("messages nest too deeply", position, tooDeep: true);
        }
        long growth = 0;
        while (position < end)
        {
            uint tag = Varint.ReadTag(data, ref position, end);
            int field = (int)(tag >> 3);
            MetModelField |= message == Message.Model && IsModelField(tag);
            if ((tag & 7) != Varint.LengthDelimited)
            {
                Varint.Skip(data, tag, ref position, end, depth);
                continue;
            }
            int lengthAt = position;
            int length = Varint.ReadLength(data, ref position, end);
            int prefix = position - lengthAt;
            if (message == Message.Tensor && field == 9)
            {
                if (replace(data.Slice(position, length), position) is { } content)
                {
                    edits.Add(new(lengthAt, prefix + length, content.Length, content));
                    growth += Varint.Size(content.Length) + content.Length - prefix - length;
                }
            }
            else if (Child(message, field) is var child and not Message.None)
            {
                int slot = edits.Count;
                edits.Add(default);
                long inner = Walk(data, position, position + length, child, depth + 1);
                if (edits.Count == slot + 1)
                {
                    edits.RemoveAt(slot);
                }
                else
                {
                    edits[slot] = new(lengthAt, prefix, length + inner, null);
                    growth += inner + Varint.Size(length + inner) - prefix;
                }
            }
            position += length;
        }
        return growth;
    }

    private static bool IsModelField(uint tag) =>
        (tag >> 3) switch
        {
            1 or 5 => (tag & 7) == Varint.Integer,
            2 or 3 or 4 or 6 or 7 or 8 or 14 or 20 or 25 => (tag & 7) == Varint.LengthDelimited,
            _ => false,
        };

    private static Message Child(Message parent, int field) =>
        (parent, field) switch
        {
            (Message.Model, 7) => Message.Graph,
            (Message.Model, 20) => Message.Training,
            (Message.Model, 25) => Message.Function,
            (Message.Training, 1 or 2) => Message.Graph,
            (Message.Graph, 1) => Message.Node,
            (Message.Graph, 5) => Message.Tensor,
            (Message.Graph, 15) => Message.SparseTensor,
            (Message.Node, 5) => Message.Attribute,
            (Message.Attribute, 5 or 10) => Message.Tensor,
            (Message.Attribute, 6 or 11) => Message.Graph,
            (Message.Attribute, 22 or 23) => Message.SparseTensor,
            (Message.SparseTensor, 1 or 2) => Message.Tensor,
            (Message.Function, 7) => Message.Node,
            (Message.Function, 11) => Message.Attribute,
            _ => Message.None,
        };
}
