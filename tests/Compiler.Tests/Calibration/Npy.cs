using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace Lorq.Tests.Calibration;

/// <summary>Writes NumPy files, well-formed or not.</summary>
internal static class Npy
{
    public static byte[] Array<T>(string descr, T[] values, params long[] shape)
        where T : unmanaged => File(descr, MemoryMarshal.AsBytes<T>(values).ToArray(), shape: shape);

    public static byte[] Floats(float[] values, params long[] shape) => Array("<f4", values, shape);

    public static byte[] Longs(long[] values, params long[] shape) => Array("<i8", values, shape);

    public static byte[] File(string descr, byte[] data, byte version = 1, bool fortran = false, params long[] shape)
    {
        string dims = shape.Length == 1 ? $"{shape[0]}," : string.Join(", ", shape);
        return Raw($"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({dims}), }}\n", data, version);
    }

    public static byte[] Raw(string header, byte[] data, byte version = 1)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] length = BitConverter.GetBytes(text.Length);
        return [0x93, .. "NUMPY"u8, version, 0, .. version == 1 ? length[..2] : length, .. text, .. data];
    }

    public static string Zip(string path, CompressionLevel level, params (string Name, byte[] Data)[] entries)
    {
        using ZipArchive zip = new(System.IO.File.Create(path), ZipArchiveMode.Create);
        foreach ((string name, byte[] data) in entries)
        {
            using Stream stream = zip.CreateEntry(name, level).Open();
            stream.Write(data);
        }
        return path;
    }

    public static string Zip(string path, params (string Name, byte[] Data)[] entries) => Zip(path, CompressionLevel.Fastest, entries);
}
