namespace Lorq.Models;

/// <summary>Reads protobuf fields from a span without ever passing its end; <see cref="MalformedWireException"/> on anything else.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> data = data;

    /// <summary>Where the next read begins.</summary>
    public int Position { get; private set; }

    /// <summary>True when everything is read.</summary>
    public readonly bool AtEnd => Position >= data.Length;

    /// <summary>Reads a field's tag; the wire type is one of 0, 1, 2, 3, 4, 5.</summary>
    public (int Field, int Type) ReadTag()
    {
        ulong tag = ReadVarint();
        int type = (int)(tag & 7);
        if (tag >> 3 is 0 or > 0x1FFFFFFF || type > 5)
        {
            throw new MalformedWireException("a field tag is invalid");
        }
        return ((int)(tag >> 3), type);
    }

    /// <summary>Reads a variable-length integer.</summary>
    public ulong ReadVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (Position >= data.Length)
            {
                throw new MalformedWireException("it ends inside a number");
            }
            byte b = data[Position++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }
        throw new MalformedWireException("a number is longer than 64 bits");
    }

    /// <summary>Reads a length-delimited field's length, checked against what is left.</summary>
    public int ReadLength()
    {
        ulong length = ReadVarint();
        if (length > (ulong)(data.Length - Position))
        {
            throw new MalformedWireException($"a field of {length} bytes is announced where {data.Length - Position} are left");
        }
        return (int)length;
    }

    /// <summary>Passes over bytes.</summary>
    public void Skip(int count)
    {
        if (count > data.Length - Position)
        {
            throw new MalformedWireException("it ends inside a field");
        }
        Position += count;
    }

    /// <summary>Passes over a field's value.</summary>
    public void SkipValue(int field, int type, int depth = 0)
    {
        switch (type)
        {
            case 0:
                ReadVarint();
                break;
            case 1:
                Skip(8);
                break;
            case 2:
                Skip(ReadLength());
                break;
            case 5:
                Skip(4);
                break;
            case 3 when depth < WireSchema.DepthLimit:
                // A group of some unknown extension: fields up to the end tag with the same number.
                for (; ; )
                {
                    (int f, int t) = ReadTag();
                    if (t == 4)
                    {
                        if (f != field)
                        {
                            throw new MalformedWireException("a group ends with another field's number");
                        }
                        return;
                    }
                    SkipValue(f, t, depth + 1);
                }
            default:
                throw new MalformedWireException("a group is nested too deeply or ends where none began");
        }
    }
}

/// <summary>Bytes that are not protobuf; the loader turns it into a catalogue entry with the file's name.</summary>
internal sealed class MalformedWireException(string message) : Exception(message);
