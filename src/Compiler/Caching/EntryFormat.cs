using System.Buffers.Binary;
using System.IO.Hashing;

namespace Lorq.Caching;

/// <summary>How an entry turned out when it was opened.</summary>
internal enum EntryState
{
    /// <summary>Complete, and every byte as it was written.</summary>
    Sound,

    /// <summary>Written by another version of the format: not for this one, but nothing is wrong with it.</summary>
    Foreign,

    /// <summary>Cut short, changed, or something else altogether.</summary>
    Damaged,
}

/// <summary>
/// The file of an entry, little-endian: a header (magic 8 bytes, format version 4, zero 4, kind 16, digest 16), the payload, and a trailer
/// (payload length 8, XxHash128 of everything before 16). The length is checked against the file's, so a forged one allocates nothing.
/// </summary>
internal static class EntryFormat
{
    private const int Version = 1;
    private const int VersionAt = 8;
    private const int KindAt = 16;
    private const int DigestAt = KindAt + CacheKey.KindLength;
    private const int HeaderSize = DigestAt + 16;
    private const int TrailerSize = sizeof(long) + 16;
    private const int Chunk = 1 << 16;

    private static ReadOnlySpan<byte> Magic => "LorqCach"u8;

    /// <summary>Writes an entry.</summary>
    /// <param name="stream">An empty file.</param>
    /// <param name="key">Its key.</param>
    /// <param name="write">Writes the payload.</param>
    public static void Write(Stream stream, CacheKey key, Action<BinaryWriter> write)
    {
        using var hashing = new HashingStream(stream);
        Span<byte> header = stackalloc byte[HeaderSize];
        Header(key, header);
        hashing.Write(header);
        using (var writer = new BinaryWriter(hashing, System.Text.Encoding.UTF8, leaveOpen: true))
        {
            write(writer);
        }
        Span<byte> trailer = stackalloc byte[TrailerSize];
        BinaryPrimitives.WriteInt64LittleEndian(trailer, hashing.Written - HeaderSize);
        hashing.Write(trailer[..sizeof(long)]);
        BinaryPrimitives.WriteUInt128LittleEndian(trailer[sizeof(long)..], hashing.Hash());
        stream.Write(trailer[sizeof(long)..]);
    }

    /// <summary>Reads an entry through once and checks everything about it.</summary>
    /// <param name="stream">The file, at its start; afterwards at the payload when sound.</param>
    /// <param name="key">What it has to be.</param>
    /// <param name="length">Bytes of payload.</param>
    public static EntryState Check(Stream stream, CacheKey key, out long length)
    {
        length = stream.Length - HeaderSize - TrailerSize;
        if (length < 0)
        {
            return EntryState.Damaged;
        }
        Span<byte> header = stackalloc byte[HeaderSize];
        Span<byte> expected = stackalloc byte[HeaderSize];
        stream.ReadExactly(header);
        Header(key, expected);
        if (!header.SequenceEqual(expected))
        {
            // A later version may lay out everything behind its number differently.
            bool foreign =
                header.StartsWith(Magic) && BinaryPrimitives.ReadInt32LittleEndian(header[VersionAt..]) is > Version and < 1 << 16;
            return foreign ? EntryState.Foreign : EntryState.Damaged;
        }
        var hash = new XxHash128();
        hash.Append(header);
        var buffer = new byte[Chunk];
        for (long left = length; left > 0; )
        {
            int count = stream.Read(buffer, 0, (int)Math.Min(left, Chunk));
            if (count == 0)
            {
                return EntryState.Damaged;
            }
            hash.Append(buffer.AsSpan(0, count));
            left -= count;
        }
        Span<byte> trailer = stackalloc byte[TrailerSize];
        stream.ReadExactly(trailer);
        hash.Append(trailer[..sizeof(long)]);
        bool sound =
            BinaryPrimitives.ReadInt64LittleEndian(trailer) == length
            && BinaryPrimitives.ReadUInt128LittleEndian(trailer[sizeof(long)..]) == hash.GetCurrentHashAsUInt128();
        stream.Position = HeaderSize;
        return sound ? EntryState.Sound : EntryState.Damaged;
    }

    private static void Header(CacheKey key, Span<byte> header)
    {
        header.Clear();
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[VersionAt..], Version);
        key.WriteKind(header.Slice(KindAt, CacheKey.KindLength));
        BinaryPrimitives.WriteUInt128LittleEndian(header[DigestAt..], key.Digest.Value);
    }

    /// <summary>Passes on what is written, and hashes and counts it.</summary>
    private sealed class HashingStream(Stream inner) : Stream
    {
        private readonly XxHash128 hash = new();

        public long Written { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => Written;

        public override long Position
        {
            get => Written;
            set => throw new NotSupportedException();
        }

        public UInt128 Hash() => hash.GetCurrentHashAsUInt128();

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            inner.Write(buffer);
            hash.Append(buffer);
            Written += buffer.Length;
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
