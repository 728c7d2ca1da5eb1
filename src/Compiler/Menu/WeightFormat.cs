using System.Runtime.InteropServices;
using Lorq.Caching;
using Lorq.Decomposition;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;

namespace Lorq.Menu;

/// <summary>Compressed weights as cache entries.</summary>
internal static class WeightFormat
{
    /// <summary>The weight under a key, or a new one that is kept under it.</summary>
    /// <param name="cache">The cache.</param>
    /// <param name="entry">Everything the weight depends on within the profile.</param>
    /// <param name="site">The site.</param>
    /// <param name="encoding">Its encoding.</param>
    /// <param name="make">Makes it.</param>
    public static CompressedWeight GetOrMake(CacheProfile cache, CacheKey entry, Site site, Encoding encoding, Func<CompressedWeight> make)
    {
        if (Find(cache, entry, site, encoding) is { } known)
        {
            return known;
        }
        CompressedWeight made = make();
        Keep(cache, entry, made);
        return made;
    }

    /// <summary>The weight under a key; null when there is none.</summary>
    public static CompressedWeight? Find(CacheProfile cache, CacheKey entry, Site site, Encoding encoding) =>
        cache.TryRead(entry, (reader, length) => Read(reader, length, site, encoding), out CompressedWeight known) ? known : null;

    /// <summary>Keeps a weight under a key.</summary>
    public static void Keep(CacheProfile cache, CacheKey entry, CompressedWeight weight)
    {
        if (cache.IsKept)
        {
            cache.Write(entry, writer => Write(writer, weight));
        }
    }

    private static void Write(BinaryWriter writer, CompressedWeight weight)
    {
        writer.Write(weight.Segments.Count);
        foreach (QuantizedMatrix segment in weight.Segments)
        {
            QuantizationGrid grid = segment.Grid;
            writer.Write((int)grid.Kind);
            writer.Write(grid.Bits);
            writer.Write(grid.BlockSize);
            writer.Write(grid.Symmetric);
            writer.Write((int)grid.Scale);
            writer.Write(segment.N);
            writer.Write(segment.Codes);
            writer.Write(MemoryMarshal.AsBytes<float>(segment.Scales));
            writer.Write(segment.ZeroPoints ?? []);
            writer.Write(MemoryMarshal.AsBytes<float>(segment.ScaleFactors ?? []));
        }
        writer.Write(weight.Factors is not null);
        if (weight.Factors is { } pair)
        {
            writer.Write(pair.Shape.Rank);
            writer.Write((int)pair.Shape.Type);
            writer.Write(pair.Shape.SharedBy ?? "");
            Write(writer, pair.Left);
            Write(writer, pair.Right);
        }
    }

    private static void Write(BinaryWriter writer, Factor factor)
    {
        writer.Write(MemoryMarshal.AsBytes<float>(factor.Values));
        writer.Write(MemoryMarshal.AsBytes<sbyte>(factor.Codes ?? []));
        writer.Write(MemoryMarshal.AsBytes<float>(factor.Scales ?? []));
    }

    private static CompressedWeight Read(BinaryReader reader, long length, Site site, Encoding encoding)
    {
        int count = reader.ReadInt32();
        var segments = new List<QuantizedMatrix>();
        for (int i = 0; i < count; i++)
        {
            var grid = new QuantizationGrid(
                (GridKind)reader.ReadInt32(),
                reader.ReadInt32(),
                reader.ReadInt32(),
                reader.ReadBoolean(),
                (ScaleType)reader.ReadInt32()
            );
            int columns = reader.ReadInt32();
            int blocks = grid.BlockCount(site.K);
            segments.Add(
                new QuantizedMatrix(
                    grid,
                    site.K,
                    columns,
                    Array<byte>(reader, length, (long)site.K * columns),
                    Array<float>(reader, length, (long)blocks * columns),
                    grid.HasZeroPoint ? Array<byte>(reader, length, (long)blocks * columns) : null,
                    grid.HasScaleFactors ? Array<float>(reader, length, columns) : null
                )
            );
        }
        FactorPair? pair = null;
        if (reader.ReadBoolean())
        {
            int rank = reader.ReadInt32();
            var type = (FactorType)reader.ReadInt32();
            string shared = reader.ReadString();
            pair = new FactorPair(
                new FactorShape(rank, type, shared.Length == 0 ? null : shared),
                Factor(reader, length, type, site.K, rank, scalePerRow: true),
                Factor(reader, length, type, rank, site.N, scalePerRow: false)
            );
        }
        return new CompressedWeight(site, encoding, segments, pair);
    }

    private static Factor Factor(BinaryReader reader, long length, FactorType type, int rows, int columns, bool scalePerRow)
    {
        float[] values = Array<float>(reader, length, (long)rows * columns);
        return type == FactorType.Float16
            ? new Factor(type, rows, columns, values, null, null)
            : new Factor(
                type,
                rows,
                columns,
                values,
                Array<sbyte>(reader, length, (long)rows * columns),
                Array<float>(reader, length, scalePerRow ? rows : columns)
            );
    }

    // Entries are checked against their digest before they are read; a length that does not fit is one of another build.
    private static T[] Array<T>(BinaryReader reader, long length, long count)
        where T : unmanaged
    {
        if (count < 0 || count * Marshal.SizeOf<T>() > length)
        {
            throw new InvalidDataException();
        }
        var values = new T[count];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}
