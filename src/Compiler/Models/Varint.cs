namespace Lorq.Models;

/// <summary>The primitives of the protobuf wire format, over untrusted bytes: every read is checked against the end of the enclosing message.</summary>
internal static class Varint
{
    /// <summary>Wire type of integers.</summary>
    public const uint Integer = 0;

    /// <summary>Wire type of strings, bytes and messages.</summary>
    public const uint LengthDelimited = 2;

    private const uint Fixed64 = 1;
    private const uint StartGroup = 3;
    private const uint EndGroup = 4;
    private const uint Fixed32 = 5;

    /// <summary>Bytes a value takes as a varint.</summary>
    public static int Size(long value) => (63 - System.Numerics.BitOperations.LeadingZeroCount((ulong)value | 1)) / 7 + 1;

    /// <summary>Writes a varint and returns its length.</summary>
    public static int Write(Span<byte> destination, ulong value)
    {
        int count = 0;
        for (; value >= 0x80; value >>= 7)
        {
            destination[count++] = (byte)(value | 0x80);
        }
        destination[count++] = (byte)value;
        return count;
    }

    /// <summary>Reads a tag: field number and wire type.</summary>
    public static uint ReadTag(ReadOnlySpan<byte> data, ref int position, int end)
    {
        int start = position;
        ulong tag = Read(data, ref position, end);
        return tag <= uint.MaxValue && tag >> 3 != 0
            ? (uint)tag
            : throw new WireFormatException("an impossible field number stands", start);
    }

    /// <summary>Reads the length of a field and checks that the field lies inside its message.</summary>
    public static int ReadLength(ReadOnlySpan<byte> data, ref int position, int end)
    {
        int start = position;
        ulong length = Read(data, ref position, end);
        return length <= (ulong)(end - position)
            ? (int)length
            : throw new WireFormatException($"a field claims {length} bytes where {end - position} are left", start);
    }

    /// <summary>Skips the value of a field that is not length-delimited.</summary>
    public static void Skip(ReadOnlySpan<byte> data, uint tag, ref int position, int end, int depth)
    {
        switch (tag & 7)
        {
            case Integer:
                Read(data, ref position, end);
                return;
            case Fixed64:
                Advance(8, ref position, end);
                return;
            case Fixed32:
                Advance(4, ref position, end);
                return;
            case StartGroup:
                SkipGroup(data, tag >> 3, ref position, end, depth + 1);
                return;
            default:
                throw new WireFormatException("a field of an unknown wire type stands", position);
        }
    }

    /// <summary>Unknown groups, the nested messages of old protobuf, end with a tag of their own.</summary>
    private static void SkipGroup(ReadOnlySpan<byte> data, uint field, ref int position, int end, int depth)
    {
        if (depth > WireWalker.MaximumDepth)
        {
            throw new WireFormatException("messages nest too deeply", position, tooDeep: true);
        }
        while (true)
        {
            int start = position;
            uint tag = ReadTag(data, ref position, end);
            if ((tag & 7) == EndGroup)
            {
                if (tag >> 3 != field)
                {
                    throw new WireFormatException("a group ends that was not open", start);
                }
                return;
            }
            if ((tag & 7) == LengthDelimited)
            {
                int length = ReadLength(data, ref position, end);
                position += length;
            }
            else
            {
                Skip(data, tag, ref position, end, depth);
            }
        }
    }

    private static void Advance(int count, ref int position, int end)
    {
        if (count > end - position)
        {
            throw new WireFormatException("a number is cut off", position);
        }
        position += count;
    }

    private static ulong Read(ReadOnlySpan<byte> data, ref int position, int end)
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (position >= end)
            {
                throw new WireFormatException("a number is cut off", position);
            }
            byte b = data[position++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }
        throw new WireFormatException("a number has more than ten bytes", position);
    }
}
