using System.Collections;
using System.Runtime.InteropServices;
using Lorq.Caching;
using Lorq.Quantization;
using Lorq.Sites;

namespace Lorq.Calibration;

/// <summary>What calibration measured, in a cache: sums as entries, and what is worth knowing about them without reading them in a table.</summary>
/// <param name="cache">The profile.</param>
internal sealed class MomentStore(CacheProfile cache)
{
    private readonly CacheTable facts = cache.Table("moments");

    /// <summary>The moments of an input, which are read when they are needed; null when they have to be collected.</summary>
    /// <param name="key">The input.</param>
    /// <param name="collect">Collects them again, should the entry turn out to be damaged.</param>
    public StoredMoments? Find(MomentKey key, Func<IReadOnlyList<SecondMoment>> collect) =>
        cache.Contains(Entry(key)) && facts.TryGet(Name(key), out double[] row) && row.Length == MomentFacts.Numbers
            ? new StoredMoments(
                key,
                MomentFacts.From(row),
                () =>
                {
                    if (Read(key) is { } known)
                    {
                        return known;
                    }
                    IReadOnlyList<SecondMoment> again = collect();
                    Write(key, again);
                    return again;
                },
                this
            )
            : null;

    /// <summary>Keeps the moments of an input.</summary>
    public StoredMoments Add(MomentKey key, IReadOnlyList<SecondMoment> moments)
    {
        var known = MomentFacts.Of(moments);
        Write(key, moments);
        facts.Add(Name(key), known.Row());
        return new StoredMoments(key, known, () => moments, this);
    }

    /// <summary>The token counts of a table; null when they have to be collected.</summary>
    public float[]? FindCounts(Site table) =>
        cache.TryRead(
            Entry(table),
            (reader, length) =>
            {
                var counts = new float[length == (long)table.N * sizeof(float) ? table.N : throw new InvalidDataException()];
                reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(counts.AsSpan()));
                return counts;
            },
            out float[] counts
        )
            ? counts
            : null;

    /// <summary>Keeps the token counts of a table.</summary>
    public void AddCounts(Site table, float[] counts) =>
        cache.Write(Entry(table), writer => writer.Write(MemoryMarshal.AsBytes<float>(counts)));

    /// <summary>Writes down what was added, so that nothing is lost when the run ends early.</summary>
    public void Flush() => facts.Flush();

    /// <summary>Whether only the diagonals of an input's moments are of use; found once.</summary>
    public bool IsDiagonalFallback(MomentKey key, IReadOnlyList<SecondMoment> moments) =>
        facts.GetOrAdd(Name(key) + "|diagonal", () => [moments.Any(m => m.IsDiagonalFallback) ? 1 : 0])[0] != 0;

    private static Digest Digest(MomentKey key) =>
        new ContentHash()
            .Add(key.Tensor)
            .Add(key.K)
            .Add(key.Transposed ? 1 : 0)
            .Add(key.PerExpert)
            .Add(key.Geometry?.ToString() ?? "")
            .Finish();

    private static string Name(MomentKey key) => Digest(key).ToString();

    private static CacheKey Entry(MomentKey key) => new("moment", Digest(key));

    private static CacheKey Entry(Site table) => new("counts", new ContentHash().Add(table.Name).Add(table.N).Finish());

    private void Write(MomentKey key, IReadOnlyList<SecondMoment> moments) =>
        cache.Write(
            Entry(key),
            writer =>
            {
                foreach (SecondMoment moment in moments)
                {
                    writer.Write(moment.Rows);
                    writer.Write(MemoryMarshal.AsBytes<double>(moment.Values));
                }
            }
        );

    private SecondMoment[]? Read(MomentKey key) =>
        cache.TryRead(
            Entry(key),
            (reader, length) =>
            {
                if (length != key.Bytes + (long)key.Groups * sizeof(long))
                {
                    throw new InvalidDataException();
                }
                var moments = new SecondMoment[key.Groups];
                for (int g = 0; g < moments.Length; g++)
                {
                    long rows = reader.ReadInt64();
                    var values = new double[(long)key.K * key.K];
                    reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
                    moments[g] = new SecondMoment(key.K, values, rows);
                }
                return moments;
            },
            out SecondMoment[] read
        )
            ? read
            : null;
}

/// <summary>What is known about the moments of an input without reading them.</summary>
/// <param name="Fingerprint">Digest of their values.</param>
/// <param name="Rows">Rows of the first group.</param>
internal sealed record MomentFacts(Digest Fingerprint, long Rows)
{
    /// <summary>Numbers in a row of the table.</summary>
    public const int Numbers = 5;

    /// <summary>Describes moments.</summary>
    public static MomentFacts Of(IReadOnlyList<SecondMoment> moments)
    {
        ContentHash hash = new ContentHash().Add(moments.Count);
        foreach (SecondMoment moment in moments)
        {
            hash.Add(moment.Rows).Add(moment.Values);
        }
        return new MomentFacts(hash.Finish(), moments[0].Rows);
    }

    /// <summary>Reads a row of the table.</summary>
    public static MomentFacts From(double[] row)
    {
        UInt128 value = 0;
        for (int part = 0; part < 4; part++)
        {
            value = (value << 32) | (uint)row[part];
        }
        return new MomentFacts(new Digest(value), (long)row[4]);
    }

    /// <summary>The row of the table: numbers that fp64 holds exactly.</summary>
    public double[] Row() => [.. Enumerable.Range(0, 4).Select(part => (double)(uint)(Fingerprint.Value >> (96 - 32 * part))), Rows];
}

/// <summary>The moments of one input, one per group. Those of a cache are read when somebody first asks for one.</summary>
/// <param name="key">The input.</param>
/// <param name="facts">What is known without reading.</param>
/// <param name="read">Gives the moments.</param>
/// <param name="store">Where they are kept.</param>
internal sealed class StoredMoments(MomentKey key, MomentFacts facts, Func<IReadOnlyList<SecondMoment>> read, MomentStore store)
    : IReadOnlyList<SecondMoment>
{
    private readonly Lazy<IReadOnlyList<SecondMoment>> moments = new(read);

    /// <summary>What is known without reading.</summary>
    public MomentFacts Facts => facts;

    /// <summary>True when a moment is so close to singular that only its diagonal is of use.</summary>
    public bool IsDiagonalFallback => store.IsDiagonalFallback(key, this);

    /// <summary>Lets the factors of those that were read go.</summary>
    public void ReleaseFactors()
    {
        if (moments.IsValueCreated)
        {
            foreach (SecondMoment moment in moments.Value)
            {
                moment.ReleaseFactors();
            }
        }
    }

    /// <inheritdoc />
    public int Count => key.Groups;

    /// <inheritdoc />
    public SecondMoment this[int index] => moments.Value[index];

    /// <inheritdoc />
    public IEnumerator<SecondMoment> GetEnumerator() => moments.Value.GetEnumerator();

    /// <inheritdoc />
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
