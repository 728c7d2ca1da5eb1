using System.Buffers.Binary;
using System.Text;

namespace Lorq.Numerics;

/// <summary>
/// Drops the need for one symbol version from a 64-bit little-endian ELF shared library (System V ABI, gABI chapter 5; GNU symbol
/// versioning). The undefined symbols that ask for the version become weak and unversioned, and the library's list of
/// needed versions names an older one instead. Only right when those symbols are never called.
/// </summary>
internal static class ElfSymbolVersion
{
    private const uint DynamicSymbols = 11;
    private const uint SymbolVersions = 0x6fffffff;
    private const uint NeededVersions = 0x6ffffffe;
    private const int SymbolSize = 24;
    private const int SectionHeaderSize = 64;
    private const byte WeakBinding = 2;
    private const ushort GlobalVersion = 1;

    /// <summary>Returns a patched copy, or null when the library does not ask for the version (nothing to do).</summary>
    /// <param name="library">The file's bytes.</param>
    /// <param name="version">The version to drop, for example <c>GLIBCXX_3.4.32</c>.</param>
    /// <param name="replacement">A version of the same providing library that the file already needs.</param>
    /// <exception cref="InvalidDataException">The bytes are no such library, are cut off, or never name the replacement.</exception>
    public static byte[]? WithoutVersion(ReadOnlySpan<byte> library, string version, string replacement)
    {
        byte[] image = library.ToArray();
        if (image.Length < 64 || !image.AsSpan(0, 6).SequenceEqual((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]))
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        }
        List<Section> sections = ReadSections(image);
        Section symbols = Find(sections, DynamicSymbols);
        Section versions = Find(sections, SymbolVersions);
        Section needs = Find(sections, NeededVersions);
        if (needs.Link >= sections.Count)
        {
            throw new InvalidDataException("a section links to one that does not exist");
        }
        Section strings = sections[(int)needs.Link];

        List<int> entries = NeededEntries(image, needs);
        int unwanted = entries.FindIndex(e => NameIs(image, strings, U32(image, e + 8), version));
        if (unwanted < 0)
        {
            return null;
        }
        int older = entries.FindIndex(e => NameIs(image, strings, U32(image, e + 8), replacement));
        if (older < 0)
        {
            throw new InvalidDataException($"the library does not need {replacement}");
        }
        ushort index = U16(image, entries[unwanted] + 6);

        // Hash (first word) and name (third) of the needed version; flags, index and link stay.
        image.AsSpan(entries[older], 4).CopyTo(image.AsSpan(entries[unwanted]));
        image.AsSpan(entries[older] + 8, 4).CopyTo(image.AsSpan(entries[unwanted] + 8));

        int count = symbols.Size / SymbolSize;
        if (versions.Size < count * 2)
        {
            throw new InvalidDataException("fewer symbol versions than symbols");
        }
        for (int i = 0; i < count; i++)
        {
            int version16 = versions.Offset + 2 * i;
            if ((U16(image, version16) & 0x7fff) == index)
            {
                int info = symbols.Offset + SymbolSize * i + 4;
                image[info] = (byte)((WeakBinding << 4) | (image[info] & 0xf));
                BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(version16), GlobalVersion);
            }
        }
        return image;
    }

    private static List<Section> ReadSections(byte[] image)
    {
        ulong table = U64(image, 0x28);
        int size = U16(image, 0x3a);
        int count = U16(image, 0x3c);
        if (size != SectionHeaderSize || table > (ulong)image.Length || (ulong)(count * size) > (ulong)image.Length - table)
        {
            throw new InvalidDataException("the section table lies outside the file");
        }
        var sections = new List<Section>(count);
        for (int i = 0; i < count; i++)
        {
            int header = (int)table + i * size;
            ulong offset = U64(image, header + 24);
            ulong length = U64(image, header + 32);
            // Sections without bytes in the file (.bss) may claim any size; they are never read.
            bool inside = offset <= (ulong)image.Length && length <= (ulong)image.Length - offset;
            sections.Add(new Section(U32(image, header + 4), inside ? (int)offset : 0, inside ? (int)length : 0, U32(image, header + 40)));
        }
        return sections;
    }

    private static Section Find(List<Section> sections, uint type)
    {
        int at = sections.FindIndex(s => s.Type == type);
        return at >= 0 ? sections[at] : throw new InvalidDataException("the library has no symbol versions");
    }

    /// <summary>Offsets of every auxiliary entry (one needed version each) in the section of needed versions.</summary>
    private static List<int> NeededEntries(byte[] image, Section needs)
    {
        var entries = new List<int>();
        int end = needs.Offset + needs.Size;
        int need = needs.Offset;
        while (true)
        {
            Require(need, end);
            int auxiliary = Step(need, U32(image, need + 8), end);
            for (int i = U16(image, need + 2); i > 0; i--)
            {
                Require(auxiliary, end);
                entries.Add(auxiliary);
                uint next = U32(image, auxiliary + 12);
                if (next == 0)
                {
                    break;
                }
                auxiliary = Step(auxiliary, next, end);
            }
            uint following = U32(image, need + 12);
            if (following == 0)
            {
                return entries;
            }
            need = Step(need, following, end);
        }
    }

    /// <summary>Moves forward by a stored distance; every step is positive and stays inside, so that a forged chain ends.</summary>
    private static int Step(int at, uint distance, int end) =>
        distance is > 0 and < int.MaxValue && distance <= (uint)(end - at)
            ? at + (int)distance
            : throw new InvalidDataException("the list of needed versions is damaged");

    private static void Require(int at, int end)
    {
        if (end - at < 16)
        {
            throw new InvalidDataException("the list of needed versions is cut off");
        }
    }

    private static bool NameIs(byte[] image, Section strings, uint at, string name)
    {
        byte[] wanted = [.. Encoding.ASCII.GetBytes(name), 0];
        return at <= (uint)strings.Size
            && strings.Size - (int)at >= wanted.Length
            && image.AsSpan(strings.Offset + (int)at, wanted.Length).SequenceEqual(wanted);
    }

    private static ushort U16(byte[] image, int at) => BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(at));

    private static uint U32(byte[] image, int at) => BinaryPrimitives.ReadUInt32LittleEndian(image.AsSpan(at));

    private static ulong U64(byte[] image, int at) => BinaryPrimitives.ReadUInt64LittleEndian(image.AsSpan(at));

    private readonly record struct Section(uint Type, int Offset, int Size, uint Link);
}
