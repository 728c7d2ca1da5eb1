namespace Lorq.Calibration;

/// <summary>One tensor of one batch, in the original model and in the compressed one; the same object while nothing differs.</summary>
internal sealed record ActivationPair(DataTensor Original, DataTensor Compressed)
{
    /// <summary>True when both models have the same values by construction.</summary>
    public bool IsShared => ReferenceEquals(Original, Compressed);
}

/// <summary>The tensors at the frontier, per batch. What does not fit under the memory cap waits in temporary files. Thread-safe.</summary>
internal sealed class ActivationStore(long memoryCap) : IDisposable
{
    private readonly Dictionary<(string Tensor, int Batch), Entry> entries = [];
    private readonly Lock gate = new();
    private string? folder;
    private long held;
    private int files;

    /// <summary>Keeps a tensor until it is dropped.</summary>
    public void Put(string tensor, int batch, ActivationPair pair)
    {
        long bytes = pair.Original.Bytes.LongLength * (pair.IsShared ? 1 : 2);
        string path;
        lock (gate)
        {
            if (held + bytes <= memoryCap)
            {
                held += bytes;
                entries[(tensor, batch)] = new Entry(pair, bytes, null);
                return;
            }
            folder ??= Directory.CreateTempSubdirectory("lorq-prefix-").FullName;
            path = Path.Combine(folder, $"{files++}.bin");
        }
        using (FileStream file = File.Create(path))
        {
            file.Write(pair.Original.Bytes);
            if (!pair.IsShared)
            {
                file.Write(pair.Compressed.Bytes);
            }
        }
        DataTensor original = pair.Original with { Bytes = [] };
        DataTensor compressed = pair.IsShared ? original : pair.Compressed with { Bytes = [] };
        lock (gate)
        {
            entries[(tensor, batch)] = new Entry(new ActivationPair(original, compressed), pair.Original.Bytes.LongLength, path);
        }
    }

    /// <summary>A tensor that was put.</summary>
    public ActivationPair Get(string tensor, int batch)
    {
        Entry entry;
        lock (gate)
        {
            entry = entries[(tensor, batch)];
        }
        if (entry.Path is null)
        {
            return entry.Pair;
        }
        byte[] all = File.ReadAllBytes(entry.Path);
        DataTensor original = entry.Pair.Original with { Bytes = all[..(int)entry.Bytes] };
        return entry.Pair.IsShared
            ? new ActivationPair(original, original)
            : new ActivationPair(original, entry.Pair.Compressed with { Bytes = all[(int)entry.Bytes..] });
    }

    /// <summary>Forgets a tensor in all batches.</summary>
    public void Drop(string tensor, int batches)
    {
        for (int b = 0; b < batches; b++)
        {
            lock (gate)
            {
                if (!entries.Remove((tensor, b), out Entry? entry))
                {
                    continue;
                }
                if (entry.Path is null)
                {
                    held -= entry.Bytes;
                }
                else
                {
                    File.Delete(entry.Path);
                }
            }
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (folder is not null)
        {
            Directory.Delete(folder, true);
        }
    }

    /// <param name="Pair">The values, or what they look like when they are in a file.</param>
    /// <param name="Bytes">In memory: all of them; in a file: those of the original.</param>
    /// <param name="Path">The file.</param>
    private sealed record Entry(ActivationPair Pair, long Bytes, string? Path);
}
