namespace Lorq.Models;

/// <summary>The bytes of a tensor outside of the protobuf: a range of a mapped file, or managed memory.</summary>
internal sealed class Payload
{
    private const int Chunk = 1 << 20;
    private readonly MappedFile? file;
    private readonly long offset;
    private readonly ReadOnlyMemory<byte> managed;

    /// <summary>A range of a mapped file; the caller has checked that it lies inside.</summary>
    public Payload(MappedFile file, long offset, long length)
    {
        this.file = file;
        this.offset = offset;
        Length = length;
    }

    /// <summary>Managed memory, kept by reference.</summary>
    public Payload(ReadOnlyMemory<byte> bytes)
    {
        managed = bytes;
        Length = bytes.Length;
    }

    /// <summary>Number of bytes; of an external file possibly more than one array can hold.</summary>
    public long Length { get; }

    /// <summary>All bytes without a copy; only for lengths up to <see cref="int.MaxValue"/>.</summary>
    public ReadOnlyMemory<byte> Bytes => file is null ? managed : file.Memory(offset, checked((int)Length));

    /// <summary>Writes the bytes in pieces, so that cancellation is prompt.</summary>
    public void CopyTo(Stream stream, CancellationToken cancellationToken)
    {
        for (long at = 0; at < Length; at += Chunk)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = (int)Math.Min(Chunk, Length - at);
            stream.Write((file is null ? managed.Slice((int)at, count) : file.Memory(offset + at, count)).Span);
        }
    }
}
