using System.Buffers;
using System.IO.MemoryMappedFiles;

namespace Lorq.Models;

/// <summary>A whole file mapped into memory for reading. Shared by a model and its clones; unmapped when the last one lets go.</summary>
internal sealed unsafe class MappedFile
{
    private readonly MemoryMappedFile? map;
    private readonly MemoryMappedViewAccessor? view;
    private byte* pointer;
    private int holders = 1;

    /// <summary>Maps a file; the caller is the first holder.</summary>
    /// <exception cref="IOException">The file cannot be opened or mapped.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission, or a folder.</exception>
    public MappedFile(string path)
    {
        if (Size(path) == 0)
        {
            return;
        }
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        try
        {
            Length = stream.Length;
            map = MemoryMappedFile.CreateFromFile(
                stream,
                null,
                0,
                MemoryMappedFileAccess.Read,
                HandleInheritability.None,
                leaveOpen: false
            );
            view = map.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
            pointer += view.PointerOffset;
        }
        catch
        {
            map?.Dispose();
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Bytes in the file.</summary>
    public long Length { get; }

    /// <summary>
    /// Bytes in a file, also behind links. 0 for pipes and devices too: these must not be opened, which could block for ever,
    /// and an empty file cannot be mapped.
    /// </summary>
    /// <exception cref="IOException">There is no such file.</exception>
    public static long Size(string path) =>
        new FileInfo(new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path).Length;

    /// <summary>A view of a range; it must not be used after the last holder has released the file.</summary>
    public ReadOnlyMemory<byte> Memory(long offset, int length) =>
        length == 0 ? ReadOnlyMemory<byte>.Empty : new Window(this, offset, length).Memory;

    /// <summary>Adds a holder.</summary>
    public void Retain() => Interlocked.Increment(ref holders);

    /// <summary>Removes a holder; the last one unmaps the file.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref holders) == 0 && view is not null)
        {
            pointer = null;
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
            map!.Dispose();
        }
    }

    private sealed class Window(MappedFile file, long offset, int length) : MemoryManager<byte>
    {
        public override Memory<byte> Memory => CreateMemory(length);

        public override Span<byte> GetSpan() => new(Start, length);

        public override MemoryHandle Pin(int elementIndex = 0) => new(Start + elementIndex);

        public override void Unpin() { }

        protected override void Dispose(bool disposing) { }

        private byte* Start
        {
            get
            {
                byte* start = file.pointer;
                ObjectDisposedException.ThrowIf(start is null, file);
                return start + offset;
            }
        }
    }
}
