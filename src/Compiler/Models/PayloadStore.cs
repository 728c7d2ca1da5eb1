using System.Buffers;
using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using Google.Protobuf;
using Lorq.Diagnostics;

namespace Lorq.Models;

/// <summary>
/// The payloads that are not in the protobuf message: regions of mapped files and attached memory. Shared by a model and its
/// clones; a tensor refers to an entry by a placeholder in its raw_data. Append-only, thread-safe.
/// </summary>
internal sealed class PayloadStore : IDisposable
{
    private static ReadOnlySpan<byte> Magic => "\u0001lorq-payload\u0001\u0001\u0001"u8;

    private readonly List<ReadOnlyMemory<byte>> payloads = [];
    private readonly Dictionary<string, MappedFile> files = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private int owners = 1;

    /// <summary>True for bytes that could be taken for a placeholder.</summary>
    public static bool LooksLikePlaceholder(ReadOnlySpan<byte> bytes) => bytes.Length == Magic.Length + 4 && bytes.StartsWith(Magic);

    /// <summary>Adds a payload and returns its placeholder.</summary>
    public ByteString Add(ReadOnlyMemory<byte> payload)
    {
        Span<byte> bytes = stackalloc byte[Magic.Length + 4];
        Magic.CopyTo(bytes);
        lock (gate)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes[Magic.Length..], payloads.Count);
            payloads.Add(payload);
        }
        return ByteString.CopyFrom(bytes);
    }

    /// <summary>The payload behind a placeholder; false when the bytes are no placeholder.</summary>
    public bool TryGet(ReadOnlySpan<byte> raw, out ReadOnlyMemory<byte> payload)
    {
        payload = default;
        if (!LooksLikePlaceholder(raw))
        {
            return false;
        }
        lock (gate)
        {
            payload = payloads[BinaryPrimitives.ReadInt32LittleEndian(raw[Magic.Length..])];
        }
        return true;
    }

    /// <summary>A file's bytes, mapped once.</summary>
    public MappedFile Map(string path)
    {
        lock (gate)
        {
            if (!files.TryGetValue(path, out MappedFile? file))
            {
                files.Add(path, file = new MappedFile(path));
            }
            return file;
        }
    }

    /// <summary>One more model uses this store.</summary>
    public PayloadStore Share()
    {
        Interlocked.Increment(ref owners);
        return this;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (Interlocked.Decrement(ref owners) == 0)
        {
            foreach (MappedFile file in files.Values)
            {
                file.Dispose();
            }
        }
    }
}

/// <summary>A file mapped read-only; its bytes as memory, without a copy.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? file;
    private readonly MemoryMappedViewAccessor? view;
    private readonly byte* pointer;

    /// <summary>Maps a file.</summary>
    public MappedFile(string path)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            Length = stream.Length;
            if (Length > 0)
            {
                file = MemoryMappedFile.CreateFromFile(
                    stream,
                    null,
                    0,
                    MemoryMappedFileAccess.Read,
                    HandleInheritability.None,
                    leaveOpen: true
                );
                view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
                view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
                pointer += view.PointerOffset;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw Catalogue.CannotReadFile.With(path, e.Message);
        }
    }

    /// <summary>Bytes of the file.</summary>
    public long Length { get; }

    /// <summary>A region; the caller has checked it against <see cref="Length"/>.</summary>
    public ReadOnlyMemory<byte> Slice(long offset, int length) => length == 0 ? default : new Region(pointer + offset, length).Memory;

    /// <inheritdoc />
    public void Dispose()
    {
        if (view is not null)
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
            file!.Dispose();
        }
    }

    private sealed class Region(byte* start, int length) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => new(start, length);

        public override MemoryHandle Pin(int elementIndex = 0) => new(start + elementIndex);

        public override void Unpin() { }

        protected override void Dispose(bool disposing) { }
    }
}
